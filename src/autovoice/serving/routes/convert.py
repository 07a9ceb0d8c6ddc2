"""Conversion of recordings and songs."""

import hashlib
import json
import math
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from sqlalchemy import RowMapping
from starlette.concurrency import run_in_threadpool

from autovoice.serving.faults import ApiError
from autovoice.serving.jobs import new_id
from autovoice.serving.keys import Caller
from autovoice.serving.routes.asking import ERRORS, MayConvert, Ready, Token, pitch_of, preset_of
from autovoice.serving.routes.waiting import answer
from autovoice.serving.server import Server
from autovoice.serving.uploads import Incoming, receive

router = APIRouter(prefix="/v1", tags=["convert"], responses=ERRORS)
WAV: dict[int | str, dict[str, Any]] = {
    200: {"description": "WAV, 16 bit, mono; X-Autovoice-* say more", "content": {"audio/wav": {}}},
    202: {"description": "the job", "content": {"application/json": {}}},
}
Voice = Annotated[str, Form(min_length=1, max_length=64)]
Preset = Annotated[str | None, Form(max_length=32)]
Pitch = Annotated[str, Form(max_length=32)]
Seed = Annotated[int, Form(ge=0, lt=2**32)]


@router.post("/convert", responses=WAV, response_class=Response)
async def convert(
    server: Ready,
    caller: MayConvert,
    request: Request,
    file: Annotated[UploadFile, File()],
    voice: Voice,
    preset: Preset = None,
    pitch: Pitch = "auto",
    seed: Seed = 0,
    wait: Annotated[bool, Form()] = True,
    token: Token = None,
) -> Response:
    """A recording into a voice: at once up to limits.sync_s seconds, as a job beyond or with wait=false."""
    chosen = {"preset": preset_of(server, preset), "pitch": pitch_of(pitch), "seed": seed}
    await run_in_threadpool(server.voices.get, voice, caller.owner)
    incoming = await receive(server, file)
    soon = incoming.info.duration_s <= server.settings.sync_s
    row = await run_in_threadpool(_queued, server, caller, "convert", voice, chosen | {"short": soon}, incoming, token)
    return await answer(server, request, row, soon and wait)


@router.post("/songs", status_code=202, responses=WAV, response_class=Response)
async def songs(
    server: Ready,
    caller: MayConvert,
    request: Request,
    file: Annotated[UploadFile, File()],
    voice: Voice,
    preset: Preset = None,
    pitch: Pitch = "auto",
    seed: Seed = 0,
    keep_stems: Annotated[bool, Form()] = False,
    token: Token = None,
) -> Response:
    """A song with its vocal in a voice; always a job."""
    if not server.engine.abilities["songs"]:
        raise ApiError(
            501, "not_available", "Songs need torch, which this server has not; pip install 'autovoice[all]' there."
        )
    chosen = {"preset": preset_of(server, preset), "pitch": pitch_of(pitch), "seed": seed, "keep_stems": keep_stems}
    await run_in_threadpool(server.voices.get, voice, caller.owner)
    incoming = await receive(server, file)
    row = await run_in_threadpool(_queued, server, caller, "song", voice, chosen, incoming, token)
    return await answer(server, request, row, False)


def _queued(
    server: Server, caller: Caller, kind: str, voice: str, chosen: dict[str, Any], incoming: Incoming, token: str | None
) -> RowMapping:
    """The job of an upload, its file in its folder; the one there is where the idempotency key is known."""
    asked = json.dumps([kind, voice, chosen, incoming.sha256], sort_keys=True)
    body_sha256, job = hashlib.sha256(asked.encode()).hexdigest(), new_id()
    try:
        if known := server.jobs.known(caller.owner, token, body_sha256):
            return known
        folder = server.storage.path(f"jobs/{job}")
        folder.mkdir()
        incoming.path.rename(folder / "source")
        server.storage.keep(f"jobs/{job}/source")
        facts: dict[str, Any] = {
            "id": job,
            "owner": caller.owner,
            "kind": kind,
            "voice": voice,
            "name": incoming.name,
            "token": token,
        }
        facts |= {"preset": chosen["preset"], "duration_s": incoming.info.duration_s, "body_sha256": body_sha256}
        options = {**chosen, "warnings": incoming.info.warnings}
        row = server.submit({**facts, "options": options}, math.ceil(incoming.info.duration_s))
    except BaseException:
        server.storage.delete(f"jobs/{job}")
        raise
    finally:
        incoming.path.unlink(missing_ok=True)
    if row["id"] != job:  # a twin of this request was faster
        server.storage.delete(f"jobs/{job}")
    return row
