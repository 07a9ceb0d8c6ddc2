"""The application: routes, what stands around them, and how it starts and ends."""

import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from autovoice import __version__
from autovoice.errors import DataError
from autovoice.serving.faults import answer_fault, answer_http, answer_validation
from autovoice.serving.middleware import Gate
from autovoice.serving.routes import convert, evaluate, jobs, ratings, speech, stream, system, voices
from autovoice.serving.server import Server
from autovoice.serving.uploads import BodyLimit

PAGE = Path(__file__).parent / "page"
WAIT_MORE_S = 5.0  # beyond serve.drain_s, for answers on their way


def create_app(server: Server) -> FastAPI:
    """The application over a server, which it starts (in the background) and stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        starting = threading.Thread(target=server.start, daemon=True, name="start")
        starting.start()
        yield
        server.draining = True
        await run_in_threadpool(starting.join)  # a process that ends while a model is being loaded crashes
        await run_in_threadpool(server.stop)

    app = FastAPI(
        title="AutoVoice",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.server = server
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(Exception, answer_fault)
    for module in (system, voices, convert, speech, evaluate, jobs, ratings, stream):
        app.include_router(module.router)
    if (PAGE / "index.html").is_file():
        app.add_api_route("/", lambda: FileResponse(PAGE / "index.html"), include_in_schema=False)
        app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.add_middleware(BodyLimit, most=server.settings.upload_bytes)
    app.add_middleware(Gate, server=server)
    return app


class _Uvicorn(uvicorn.Server):
    """Tells the server at the first signal, so that events and streams end and requests can."""

    def __init__(self, config: uvicorn.Config, server: Server) -> None:
        super().__init__(config)
        self._server = server

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGINT or SIGTERM; a second one does not wait."""
        self._server.draining = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets streams say goodbye before their connections are closed."""
        await self._server.streams.end()
        await super().shutdown(sockets)


def listener(server: Server) -> uvicorn.Server:
    """What answers at a socket: listener(server).run([socket])."""
    settings = uvicorn.Config(
        create_app(server),
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=stream.MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # PCM gains little by it, and a compressed message can be a bomb
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(server.settings.drain_s + WAIT_MORE_S),
        limit_concurrency=1000,
    )
    return _Uvicorn(settings, server)


def serve(server: Server, listening: socket.socket) -> None:
    """Answers until SIGINT or SIGTERM; then lets what runs end."""
    with suppress(KeyboardInterrupt):
        listener(server).run([listening])
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def open_socket(host: str, port: int) -> socket.socket:
    """Listens at once, so that a browser that comes early waits; raises DataError where the address cannot be had.

    port: 0 takes a free one.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.create_server((host, port), family=family, backlog=256)
        # asyncio does so for sockets that it makes itself; without it a stream's block waits until the client sends its next.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    except OSError as error:
        what = f"cannot listen on {host}:{port} ({error.strerror})"
        raise DataError(what, "autovoice serve", "choose another --port or --host") from error
