"""What routes have in common: the server, who asks, and the shapes of answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from sqlalchemy import RowMapping

from autovoice.serving.faults import ApiError
from autovoice.serving.keys import Caller
from autovoice.serving.server import Server

MAX_SHIFT_ST = 36.0
ERROR = {"description": "what is wrong, in one sentence", "content": {"application/json": {}}}
STATUSES = (400, 401, 403, 404, 409, 413, 421, 422, 429, 500, 501, 503, 504, 507)
ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys(STATUSES, ERROR)


def server_of(request: Request) -> Server:
    """The server, with its models loaded; raises ApiError 503 before."""
    server: Server = request.app.state.server
    if not server.engine.ready:
        raise ApiError(503, "loading", "The models are being loaded; try again in a few seconds.", {"Retry-After": "2"})
    return server


def caller_with(scope: str) -> Callable[..., Caller]:
    """A dependency: who asks, once the key (Authorization: Bearer, or X-API-Key) has the scope."""

    def caller(
        request: Request,
        authorization: Annotated[str | None, Header(max_length=200)] = None,
        x_api_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Caller:
        scheme, _, bearer = (authorization or "").partition(" ")
        found = request.app.state.server.caller(bearer.strip() if scheme.lower() == "bearer" else x_api_key)
        request.state.owner = found.owner
        found.require(scope)
        return found

    return caller


Ready = Annotated[Server, Depends(server_of)]
MayConvert = Annotated[Caller, Depends(caller_with("convert"))]
MayVoices = Annotated[Caller, Depends(caller_with("voices"))]
MayAdmin = Annotated[Caller, Depends(caller_with("admin"))]
Token = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


def preset_of(server: Server, preset: str | None) -> str:
    """The preset asked for, or the server's; raises ApiError 422."""
    name = preset or server.settings.preset
    if name not in server.config.presets:
        known = ", ".join(server.config.presets)
        raise ApiError(422, "no_such_preset", f"There is no such preset; choose from {known}.")
    return name


def pitch_of(pitch: str | float) -> float | str:
    """ "auto" or semitones from -36 to 36; raises ApiError 422."""
    if pitch == "auto":
        return pitch
    try:
        value = float(pitch)
    except ValueError:
        value = MAX_SHIFT_ST + 1
    if not abs(value) <= MAX_SHIFT_ST:
        raise ApiError(422, "bad_pitch", "pitch is auto, or a number of semitones from -36 to 36.")
    return value


def job_json(row: RowMapping) -> dict[str, Any]:
    """A job as clients see it."""
    facts, done = row["facts"], row["status"] == "done"
    shown = {name: row[name] for name in ("id", "kind", "status", "progress")}
    shown |= {name: _utc(row[name]) for name in ("created", "started", "ended")}
    shown |= {name: row[name] for name in ("voice", "preset", "name", "duration_s", "error")}
    shown |= {"rtf": facts.get("rtf"), "shift_st": facts.get("shift_st")}
    shown["warnings"] = facts.get("warnings", row["options"].get("warnings", []))
    return {**shown, "result": f"/v1/jobs/{row['id']}/result" if done else None}


def _utc(time_s: float | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
