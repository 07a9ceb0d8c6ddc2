"""Text to speech in a voice, by the server's own form and by OpenAI's."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping
from starlette.concurrency import run_in_threadpool

from autovoice.audio.io import load_wav
from autovoice.serving.faults import ApiError, told
from autovoice.serving.jobs import new_id
from autovoice.serving.keys import Caller
from autovoice.serving.routes.asking import ERRORS, MayConvert, Ready, Token, preset_of
from autovoice.serving.routes.convert import WAV
from autovoice.serving.routes.waiting import answer, file_of, headers_of, until_ended
from autovoice.serving.server import Server

router = APIRouter(prefix="/v1", tags=["speech"], responses=ERRORS)
CHARS_PER_S = 14.0  # of English speech, for the quota
OPENAI: dict[int | str, dict[str, Any]] = {200: {"description": "audio", "content": {"audio/*": {}}}}
Text = Annotated[str, Field(min_length=1, max_length=1_000_000)]
Speed = Annotated[float, Field(ge=0.5, le=2.0)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Speech(BaseModel):
    """What /v1/speech is asked."""

    model_config = ConfigDict(extra="forbid")
    text: Text
    voice: Name
    preset: Annotated[str, Field(max_length=32)] | None = None
    speed: Speed = 1.0
    lang: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})?$")] = "en"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class OpenAiSpeech(BaseModel):
    """What OpenAI's /v1/audio/speech is asked; fields that have no meaning here are ignored."""

    model: Annotated[str, Field(max_length=64)] = "autovoice"
    input: Text
    voice: Name
    response_format: Literal["wav", "flac", "mp3", "opus", "pcm"] = "mp3"
    speed: Speed = 1.0


@router.post("/speech", responses=WAV, response_class=Response)
async def speech(server: Ready, caller: MayConvert, request: Request, asked: Speech, token: Token = None) -> Response:
    """A text in a voice: at once where it is short (limits.sync_chars), as a job beyond."""
    row = await run_in_threadpool(_queued, server, caller, asked, "wav", token)
    return await answer(server, request, row, len(asked.text) <= server.settings.sync_chars)


@router.post("/audio/speech", responses=OPENAI, response_class=Response)
async def audio_speech(server: Ready, caller: MayConvert, request: Request, asked: OpenAiSpeech) -> Response:
    """OpenAI's form of the same; `voice` is a voice's id, `model` is ignored."""
    own = Speech(text=asked.input, voice=asked.voice, speed=asked.speed)
    form = "wav" if asked.response_format == "pcm" else asked.response_format
    row = await run_in_threadpool(_queued, server, caller, own, form, None)
    if form == asked.response_format:
        return await answer(server, request, row, True)
    row = await until_ended(server, request, row)
    if row["status"] != "done":
        return await answer(server, request, row, True)
    return Response(await run_in_threadpool(_pcm, server, row), media_type="audio/pcm", headers=headers_of(row))


def _queued(server: Server, caller: Caller, asked: Speech, form: str, token: str | None) -> RowMapping:
    from autovoice.speech.text import check, clean

    if not server.engine.abilities["speech"]:
        what = (
            "Speech needs a text-to-speech package, which this server has not; pip install 'autovoice[speech]' there."
        )
        raise ApiError(501, "not_available", what)
    if len(asked.text) > server.settings.text_chars:
        raise ApiError(413, "too_long", f"The text has more than the {server.settings.text_chars} characters allowed.")
    try:
        check(clean(asked.text), asked.lang.lower())
    except Exception as error:
        raise ApiError(*told(error, "text")) from error
    server.voices.get(asked.voice, caller.owner)
    body_sha256 = hashlib.sha256(f"{form} {asked.model_dump_json()}".encode()).hexdigest()
    if known := server.jobs.known(caller.owner, token, body_sha256):
        return known
    options = {"text": asked.text, "lang": asked.lang, "speed": asked.speed, "seed": asked.seed, "format": form}
    facts: dict[str, Any] = {
        "id": new_id(),
        "owner": caller.owner,
        "kind": "speech",
        "voice": asked.voice,
        "name": "speech",
    }
    facts |= {"preset": preset_of(server, asked.preset), "token": token, "body_sha256": body_sha256, "options": options}
    server.storage.path(f"jobs/{facts['id']}").mkdir()
    try:
        return server.submit(facts, len(asked.text) / CHARS_PER_S)
    except ApiError:
        server.storage.delete(f"jobs/{facts['id']}")
        raise


def _pcm(server: Server, row: RowMapping) -> bytes:
    rate = server.config.audio.output_rate
    wav = load_wav(file_of(server, row, row["facts"]["file"]), rate)
    return (wav * 32767).round().astype("<i2").tobytes()
