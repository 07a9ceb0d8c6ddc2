"""What the server is, whether it lives, and its numbers."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from autovoice import __version__
from autovoice.serving.engine import ABOUT
from autovoice.serving.routes.asking import ERRORS, MayAdmin, MayConvert, Ready
from autovoice.serving.streaming import delay_ms

router = APIRouter(tags=["system"], responses=ERRORS)


@router.get("/healthz")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@router.get("/readyz", responses={503: {"description": "loading"}})
def ready(request: Request) -> JSONResponse:
    """Whether the models are loaded."""
    is_ready = request.app.state.server.engine.ready
    return JSONResponse({"status": "ready" if is_ready else "loading"}, 200 if is_ready else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request, caller: MayAdmin) -> Response:
    """For Prometheus."""
    return Response(generate_latest(request.app.state.server.telemetry.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/models")
def models(server: Ready, caller: MayConvert) -> dict[str, Any]:
    """What can be asked of this server, and within which limits."""
    settings, engine, audio = server.settings, server.engine, server.config.audio
    limits = {"upload_bytes": settings.upload_bytes, "upload_s": settings.upload_s, "sync_s": settings.sync_s}
    limits |= {"voices": settings.voices_per_key, "text_chars": settings.text_chars, "sync_chars": settings.sync_chars}
    facts = {"version": __version__, "weights_sha256": engine.weights_sha256, "sample_rate": audio.sample_rate}
    facts |= {
        "output_rate": audio.output_rate,
        "device": str(engine.converter.device),
        "default_preset": settings.preset,
    }
    facts["presets"] = [{"name": name, "about": ABOUT.get(name, "")} for name in server.config.presets]
    facts |= {**engine.abilities, "languages": engine.languages, "limits": limits}
    return {**facts, "stream": {"delay_ms": round(delay_ms(audio), 1)}}
