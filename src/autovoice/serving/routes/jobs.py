"""Jobs: how far they are, what came out, and their end."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response, StreamingResponse
from sqlalchemy import RowMapping
from starlette.concurrency import run_in_threadpool

from autovoice.files import read_json, write_json
from autovoice.serving.faults import ApiError, told
from autovoice.serving.routes.asking import ERRORS, MayConvert, Ready, job_json
from autovoice.serving.routes.waiting import MEDIA, audio_of, file_of
from autovoice.serving.server import Server, ended

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=ERRORS)
LOOK_S, STILL_THERE_S = 0.5, 15.0
PART: dict[int | str, dict[str, Any]] = {206: {"description": "a part"}}
RESULT = PART | {200: {"content": {kind: {} for kind in MEDIA.values()}}}
SOURCE = PART | {200: {"content": {"application/octet-stream": {}}}}
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}


@router.get("")
def jobs(server: Ready, caller: MayConvert, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
    """The caller's jobs, newest first."""
    return {"jobs": [job_json(row) for row in server.jobs.newest(caller.owner, limit)]}


@router.get("/{job}")
def job(server: Ready, caller: MayConvert, job: str) -> dict[str, Any]:
    """One job."""
    return job_json(server.jobs.get(job, caller.owner))


@router.delete("/{job}", status_code=204)
def delete(server: Ready, caller: MayConvert, job: str) -> None:
    """Cancels a job that has not ended, forgets one that has; its files are removed in either case."""
    server.remove(job, caller.owner)


@router.get("/{job}/events", response_class=StreamingResponse, responses=EVENTS)
async def events(server: Ready, caller: MayConvert, job: str) -> StreamingResponse:
    """Server-sent events: progress, and at last done, failed or cancelled with the job."""
    row = await run_in_threadpool(server.jobs.get, job, caller.owner)
    return StreamingResponse(_events(server, row), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(server: Server, row: RowMapping) -> AsyncIterator[str]:
    last, silent_s = None, 0.0
    while not server.draining:
        if ended(row):
            yield _event(row["status"], job_json(row))
            return
        shown = {"progress": round(row["progress"], 4), "status": row["status"]}
        if shown != last:
            last, silent_s = shown, 0.0
            yield _event("progress", shown)
        await server.worker.hub.wait(row["id"], LOOK_S)
        silent_s += LOOK_S
        if silent_s > STILL_THERE_S:
            silent_s = 0.0
            yield ": still there\n\n"
        try:
            row = await run_in_threadpool(server.jobs.get, row["id"])
        except ApiError:  # forgotten meanwhile
            yield _event("cancelled", {**job_json(row), "status": "cancelled"})
            return


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


@router.get("/{job}/result", response_class=Response, responses=RESULT)
async def result(
    server: Ready, caller: MayConvert, job: str, stem: Literal["vocals", "accompaniment", "converted"] | None = None
) -> Response:
    """The audio, or the JSON of an evaluation; Range is understood. stem: of a song with keep_stems."""
    row = await run_in_threadpool(server.jobs.get, job, caller.owner)
    if not ended(row):
        raise ApiError(409, "not_done", "The job has not ended yet; see its events.")
    if stem is None:
        return await audio_of(server, row)
    return FileResponse(await run_in_threadpool(file_of, server, row, f"result_{stem}.wav"), media_type="audio/wav")


@router.get("/{job}/source", response_class=Response, responses=SOURCE)
def source(server: Ready, caller: MayConvert, job: str) -> Response:
    """What was uploaded, as it was."""
    row = server.jobs.get(job, caller.owner)
    download = {"Content-Disposition": "attachment"}  # a browser must not show what somebody uploaded
    return FileResponse(file_of(server, row, "source"), media_type="application/octet-stream", headers=download)


@router.get("/{job}/pitch")
def pitch(server: Ready, caller: MayConvert, job: str) -> dict[str, Any]:
    """f0 of source and result in Hz every 10 ms, 0 = unvoiced."""
    row = server.jobs.get(job, caller.owner)
    if row["kind"] != "convert" or row["status"] != "done":
        raise ApiError(409, "no_pitch", "Only a finished conversion has pitch to show.")
    kept = server.storage.path(f"jobs/{job}/pitch.json")
    if not kept.is_file():
        try:
            paths = {"source": file_of(server, row, "source"), "result": file_of(server, row, row["facts"]["file"])}
            tracks = {name: server.engine.pitch_of(path) for name, path in paths.items()}
        except OSError as error:
            raise ApiError(*told(error)) from error
        hop_s = server.config.audio.hop_length / server.config.audio.sample_rate
        write_json(kept, {"hop_s": hop_s, **tracks, "shift_st": row["facts"]["shift_st"]})
    return read_json(kept, "GET /v1/jobs/{job}/pitch")
