"""Answers that wait for a job: its audio where that is soon there, else the job itself."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse, JSONResponse, Response
from sqlalchemy import RowMapping
from starlette.concurrency import run_in_threadpool

from autovoice.serving.faults import ApiError
from autovoice.serving.routes.asking import job_json
from autovoice.serving.server import Server, ended

LOOK_S = 0.25
MEDIA = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".opus": "audio/ogg",
    ".json": "application/json",
}
FAULTS = {"fault": 500, "timeout": 504, "not_available": 501, "disk_full": 507}


async def answer(server: Server, request: Request, row: RowMapping, wait: bool) -> Response:
    """200 with the audio if `wait`, else 202 with the job; raises ApiError for one that failed or was cancelled."""
    if not wait:
        where = {"Location": f"/v1/jobs/{row['id']}"}
        return JSONResponse(job_json(row), 202, where)
    row = await until_ended(server, request, row)
    return await audio_of(server, row)


async def until_ended(server: Server, request: Request, row: RowMapping) -> RowMapping:
    """The job once it has ended; cancelled where the client leaves, unless it can come back by its idempotency key."""
    while not ended(row):
        await server.worker.hub.wait(row["id"], LOOK_S)
        row = await run_in_threadpool(server.jobs.get, row["id"])
        if not ended(row) and not row["token"] and await request.is_disconnected():
            await run_in_threadpool(server.remove, row["id"], row["owner"])
            raise ApiError(499, "left", "The client left.")
    return row


async def audio_of(server: Server, row: RowMapping) -> Response:
    """A finished job's result with what is known of it in headers; raises ApiError where it did not go well."""
    if row["status"] == "failed":
        error = row["error"]
        raise ApiError(FAULTS.get(error["code"], 422), error["code"], error["message"])
    if row["status"] != "done":
        raise ApiError(409, "cancelled", "The job was cancelled.")
    path = await run_in_threadpool(file_of, server, row, row["facts"]["file"])
    return FileResponse(path, media_type=MEDIA[path.suffix], headers=headers_of(row))


def headers_of(row: RowMapping) -> dict[str, str]:
    """X-Autovoice-*: what of duration, real-time factor and shift the kind of job has."""
    known: dict[str, Any] = {"Duration": row["duration_s"], **{k: row["facts"].get(v) for k, v in SHOWN.items()}}
    return {f"X-Autovoice-{k}": f"{v:.4f}" for k, v in known.items() if v is not None} | {"X-Autovoice-Job": row["id"]}


SHOWN = {"Rtf": "rtf", "Shift-St": "shift_st"}


def file_of(server: Server, row: RowMapping, name: str) -> Path:
    """A file of a job on this disk; raises ApiError 404 where it is not kept any more."""
    with suppress(FileNotFoundError):
        if row["status"] != "cancelled":  # its files go, but other processes may still have copies
            return server.storage.fetch(f"jobs/{row['id']}/{name}")
    raise ApiError(404, "no_file", "This job keeps no such file.")
