"""Voices: cloned, listed, deleted."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from starlette.concurrency import run_in_threadpool

from autovoice.serving.faults import ApiError, told
from autovoice.serving.keys import Caller
from autovoice.serving.routes.asking import ERRORS, MayConvert, MayVoices, Ready
from autovoice.serving.server import Server
from autovoice.serving.uploads import Incoming, receive
from autovoice.voice import voice_dir

router = APIRouter(prefix="/v1/voices", tags=["voices"], responses=ERRORS)


@router.post("", status_code=201)
async def clone(
    server: Ready,
    caller: MayVoices,
    name: Annotated[str, Form(min_length=1, max_length=64)],
    consent: Annotated[str, Form(min_length=1, max_length=2000)],
    files: Annotated[list[UploadFile], File()],
) -> dict[str, Any]:
    """A voice from recordings of one person; `consent` says how that person agreed."""
    if not consent.strip():
        raise ApiError(422, "no_consent", "consent: say how the person agreed to be cloned.")
    if len(files) > server.settings.voice_files:
        raise ApiError(413, "too_many_files", f"More than {server.settings.voice_files} files; join some of them.")
    try:
        plain = voice_dir(server.data, name).name
    except Exception as error:
        raise ApiError(*told(error, "name")) from error
    await run_in_threadpool(server.voices.require_room, caller.owner)
    incoming: list[Incoming] = []
    try:
        for file in files:
            incoming.append(await receive(server, file))
        return await run_in_threadpool(_clone, server, caller, plain, consent.strip(), incoming)
    finally:
        for upload in incoming:
            upload.path.unlink(missing_ok=True)


def _clone(server: Server, caller: Caller, name: str, consent: str, incoming: list[Incoming]) -> dict[str, Any]:
    total_s = sum(upload.info.duration_s for upload in incoming)
    if total_s > server.settings.upload_s:
        raise ApiError(413, "too_long", f"More than {server.settings.upload_s:.0f} s in all; a few minutes are enough.")
    server.quota.take(caller.owner, total_s)
    try:
        profile = server.engine.clone(name, [upload.path for upload in incoming], consent)
    except Exception as error:
        raise ApiError(*told(error, name)) from error
    return server.voices.add(profile, caller.owner)


@router.get("")
def voices(server: Ready, caller: MayConvert) -> dict[str, Any]:
    """Built-in voices and the caller's own."""
    return {"voices": server.voices.all(caller.owner)}


@router.get("/{voice}")
def voice(server: Ready, caller: MayConvert, voice: str) -> dict[str, Any]:
    """One voice."""
    return server.voices.get(voice, caller.owner)


@router.delete("/{voice}", status_code=204)
def delete(server: Ready, caller: MayVoices, voice: str) -> None:
    """Forgets a voice, in memory too, and removes its files."""
    server.voices.delete(voice, caller.owner)
    server.engine.forget()
