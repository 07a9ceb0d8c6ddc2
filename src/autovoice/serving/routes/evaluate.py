"""Measuring a conversion: of uploaded files, or of a job of this server."""

import json
import shutil
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import RowMapping
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile

from autovoice.serving.faults import ApiError
from autovoice.serving.jobs import new_id
from autovoice.serving.keys import Caller
from autovoice.serving.routes.asking import ERRORS, MayConvert, Ready
from autovoice.serving.routes.waiting import answer, file_of
from autovoice.serving.server import Server
from autovoice.serving.uploads import receive

router = APIRouter(prefix="/v1", tags=["evaluate"], responses=ERRORS)
MAX_JSON = 1 << 16
TEXTS = {"text": {"type": "string"}, "lang": {"type": "string"}, "voice": {"type": "string"}}
FILE = {"type": "string", "format": "binary"}
FORM = {"source": FILE, "converted": FILE, "references": {"type": "array", "items": FILE}, **TEXTS}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["job"], "properties": {"job": {"type": "string"}}}
            },
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["source", "converted"], "properties": FORM}
            },
        },
    }
}


class OfJob(BaseModel):
    """The short form: a finished conversion of this server."""

    model_config = ConfigDict(extra="forbid")
    job: str = Field(max_length=64)
    text: str = Field("", max_length=20000)
    lang: str = Field("", max_length=16)


@router.post("/evaluate", status_code=202, openapi_extra=BODY, response_class=Response)
async def evaluate(server: Ready, caller: MayConvert, request: Request) -> Response:
    """Similarity, pitch, words and quality of a conversion; always a job, whose result is JSON {"metrics": {...}}."""
    if not server.engine.abilities["evaluate"]:
        what = "Measuring needs the extra metrics, which this server has not; pip install 'autovoice[metrics]' there."
        raise ApiError(501, "not_available", what)
    job = new_id()
    folder = server.storage.path(f"jobs/{job}")
    folder.mkdir()
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            row = await run_in_threadpool(_of_job, server, caller, job, await _json(request))
        else:
            async with request.form(max_files=24, max_fields=24) as form:
                row = await _of_files(server, caller, job, form)
    except BaseException:
        server.storage.delete(f"jobs/{job}")
        raise
    return await answer(server, request, row, False)


async def _json(request: Request) -> OfJob:
    body = await request.body()
    try:
        return OfJob.model_validate_json(body[:MAX_JSON])
    except ValidationError as error:
        raise ApiError(
            422, "bad_request", f"{json.dumps(error.errors()[0]['loc'])}: {error.errors()[0]['msg']}."
        ) from error


def _of_job(server: Server, caller: Caller, job: str, asked: OfJob) -> RowMapping:
    done = server.jobs.get(asked.job, caller.owner)
    if done["kind"] != "convert" or done["status"] != "done":
        raise ApiError(409, "no_result", "Only a finished conversion can be measured.")
    folder = server.storage.path(f"jobs/{job}")
    shutil.copyfile(file_of(server, done, "source"), folder / "source")
    shutil.copyfile(file_of(server, done, done["facts"]["file"]), folder / "converted")
    n = _references_of_voice(server, done["voice"], caller, folder)
    facts = {"voice": done["voice"], "preset": done["preset"], "name": done["name"], "duration_s": done["duration_s"]}
    return _submit(server, caller, job, facts, asked.text, asked.lang, n)


async def _of_files(server: Server, caller: Caller, job: str, form: FormData) -> RowMapping:
    folder, text, lang, voice = (
        server.storage.path(f"jobs/{job}"),
        *(str(form.get(n) or "") for n in ("text", "lang", "voice")),
    )
    if len(text) > server.settings.text_chars or len(lang) > 16:
        raise ApiError(413, "too_long", "text or lang is longer than allowed.")
    references = form.getlist("references")
    sent = [("source", form.get("source")), ("converted", form.get("converted"))]
    sent += [(f"reference_{i}", upload) for i, upload in enumerate(references)]
    facts: dict[str, Any] = {"voice": voice or None, "preset": None}
    for name, upload in sent:
        if not isinstance(upload, UploadFile):
            raise ApiError(422, "bad_request", f"{name}: send a file.")
        incoming = await receive(server, upload)  # type: ignore[arg-type]
        incoming.path.rename(folder / name)
        if name == "source":
            facts |= {"name": incoming.name, "duration_s": incoming.info.duration_s}
    n = len(references)
    if not n and voice:
        n = await run_in_threadpool(_references_of_voice, server, voice, caller, folder)
    if not n:
        raise ApiError(422, "bad_request", "references: send recordings of the target, or name a voice.")
    return await run_in_threadpool(_submit, server, caller, job, facts, text, lang, n)


def _references_of_voice(server: Server, voice: str, caller: Caller, folder: Path) -> int:
    """Copies what a voice was cloned from into the job; -> how many recordings."""
    kept = server.voices.recordings(voice, caller.owner)
    for i, path in enumerate(kept):
        shutil.copyfile(path, folder / f"reference_{i}")
    return len(kept)


def _submit(
    server: Server, caller: Caller, job: str, facts: dict[str, Any], text: str, lang: str, n: int
) -> RowMapping:
    files = ["source", "converted", *(f"reference_{i}" for i in range(n))]
    for name in files:
        server.storage.keep(f"jobs/{job}/{name}")
    options = {"files": files, "text": text, "lang": lang, "warnings": []}
    return server.submit({"id": job, "owner": caller.owner, "kind": "evaluate", "options": options, **facts}, 0.0)
