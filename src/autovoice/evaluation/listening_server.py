"""The listening test's page and what it asks for, on this computer only. No answer names a system or takes a path."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from autovoice.errors import AudioError, DataError
from autovoice.evaluation.listening_cases import Case, Stimulus
from autovoice.evaluation.listening_clips import clip_wav
from autovoice.evaluation.listening_results import append_rating, rating_of, read_ratings
from autovoice.evaluation.listening_trials import ANSWERS, NAME, Plan, Trial, clip_id, design

HOSTS = ("127.0.0.1", "localhost")
PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("listen.html", "text/html"),
    "/report.css": ("report.css", "text/css"),
    "/listen.css": ("listen.css", "text/css"),
    "/dom.js": ("dom.js", "text/javascript"),
    "/listen.js": ("listen.js", "text/javascript"),
    "/players.js": ("players.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "media-src blob:; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
KEPT_CLIPS = 32  # a clip of 12 s has 1.2 MB
MAX_LISTENED_S = 3600.0
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]


class Answer(BaseModel):
    """What the page posts. answer: 1 to 5, or a or b; listened_s: seconds of sound that were played."""

    listener: Name
    trial: str = Field(max_length=64)
    answer: str = Field(max_length=8)
    listened_s: float = Field(ge=0, le=MAX_LISTENED_S, allow_inf_nan=False)


class Sessions:
    """Who hears what: a listener's trials, which of them are done, and what hides behind a clip's name."""

    def __init__(self, cases: list[Case], plan: Plan, results: Path, listeners: Sequence[str]) -> None:
        self.plan, self.results, self.listeners = plan, results, list(listeners)
        self.clips: dict[str, Stimulus] = {}
        self.trials = lru_cache(maxsize=256)(lambda name: {trial.id: trial for trial in design(cases, plan, name)})
        self.wav = lru_cache(maxsize=KEPT_CLIPS)(clip_wav)

    def of(self, listener: str) -> dict[str, Trial]:
        """A listener's trials; raises HTTPException for one who was not invited."""
        if self.listeners and listener not in self.listeners:
            raise HTTPException(404, f"Nobody called {listener} was invited.")
        return self.trials(listener)

    def left(self, listener: str) -> list[Trial]:
        """The trials without an answer yet, in order."""
        done = {rating.trial for rating in read_ratings(self.results) if rating.listener == listener}
        return [trial for trial in self.of(listener).values() if trial.id not in done]

    def state(self, listener: str) -> dict[str, int]:
        """How far a listener is."""
        total = len(self.of(listener))
        return {"total": total, "done": total - len(self.left(listener))}

    def shown(self, trial: Trial) -> dict[str, Any]:
        """A trial as the page may know it."""
        names = {place: clip_id(trial, place) for place in trial.clips}
        self.clips |= {names[place]: stimulus for place, stimulus in trial.clips.items()}
        clips = {place: f"/clips/{name}" for place, name in names.items()}
        return {"id": trial.id, "question": trial.question, "clips": clips}


def create_app(cases: list[Case], plan: Plan, results: Path, listeners: Sequence[str] = ()) -> FastAPI:
    """The application; listeners: who may take part, everybody where there are none."""
    sessions = Sessions(cases, plan, results, listeners)
    app = FastAPI(title="AutoVoice listening test", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))
    app.add_exception_handler(DataError, _fault)
    app.add_exception_handler(AudioError, _fault)
    app.add_exception_handler(OSError, _fault)
    for path, (name, media_type) in FILES.items():
        app.add_api_route(path, _file(PAGE / name, media_type), methods=["GET"])

    @app.get("/test")
    def test() -> JSONResponse:
        return _json({"kind": plan.kind, "listeners": sessions.listeners})

    @app.get("/session")
    def session(listener: Annotated[str, Query(pattern=f"^{NAME.pattern}$")]) -> JSONResponse:
        trials = [sessions.shown(trial) for trial in sessions.left(listener)]
        return _json({"kind": plan.kind, "trials": trials, **sessions.state(listener)})

    @app.get("/clips/{name}")
    def clip(name: str) -> Response:
        if name not in sessions.clips:
            raise HTTPException(404, "There is no such clip. Load the page again.")
        return Response(sessions.wav(sessions.clips[name]), media_type="audio/wav", headers=HEADERS)

    @app.post("/ratings")
    def rate(answer: Answer) -> JSONResponse:
        trial = sessions.of(answer.listener).get(answer.trial)
        if trial is None:
            raise HTTPException(404, "There is no such trial. Load the page again.")
        if answer.answer not in ANSWERS[plan.kind]:
            raise HTTPException(422, f"The answer is one of {', '.join(ANSWERS[plan.kind])}.")
        new = append_rating(results, rating_of(trial, answer.listener, answer.answer, answer.listened_s))
        return _json({"new": new, **sessions.state(answer.listener)})

    return app


def _json(value: dict[str, Any]) -> JSONResponse:
    return JSONResponse(value, headers=HEADERS)


def _file(path: Path, media_type: str) -> Any:
    def send() -> Response:
        return Response(path.read_text(encoding="utf-8"), media_type=media_type, headers=HEADERS)

    return send


async def _fault(request: Request, error: Exception) -> JSONResponse:
    """A path in the sentence would give the system away, so that only the kind of fault is told."""
    what = "This clip cannot be read." if isinstance(error, AudioError) else "The answer could not be kept."
    return JSONResponse({"detail": what}, 500, HEADERS)


def open_socket(host: str, port: int) -> socket.socket:
    """Listens at once, so that a browser that comes early waits; raises DataError where the port is taken.

    port: 0 takes a free one.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise DataError(f"cannot listen on port {port} ({error.strerror})", "--port", "choose another one") from error
    return listening


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answers until the person interrupts."""
    with suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run([listening])
