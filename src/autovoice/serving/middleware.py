"""Around every request: an id, security headers, who may call, a log line and its numbers."""

import logging
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autovoice.serving.faults import body

if TYPE_CHECKING:
    from autovoice.serving.server import Server

LOGGER = logging.getLogger(__name__)
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
    "data: blob:; media-src 'self' blob:; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cache-Control": "no-store",
}
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1", "testserver")


class Gate:
    """The outermost layer.

    A page of another site must not reach a server on this computer: requests with a foreign Origin are refused, and on loopback
    those to a name that is not this computer's (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, server: "Server") -> None:
        self.app, self.server = app, server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what may pass."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        refused = self._refusal(scope)
        if scope["type"] == "websocket":
            if refused:
                await receive()
                return await send({"type": "websocket.close", "code": 1008, "reason": refused[1]})
            return await self.app(scope, receive, send)
        await self._http(scope, receive, send, refused)

    async def _http(self, scope: Scope, receive: Receive, send: Send, refused: tuple[int, str] | None) -> None:
        request_id, started, status = scope["state"]["request_id"], time.perf_counter(), 500

        async def finished(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if refused:
                answer = JSONResponse(body(request_id, "refused", refused[1]), refused[0])
                await answer(scope, receive, finished)
            else:
                await self.app(scope, receive, finished)
        finally:
            self._note(scope, status, time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers, settings = Headers(scope=scope), self.server.settings
        if self.server.draining:
            return 503, "The server is about to end; try again."
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        allowed = settings.allowed_hosts or (() if self.server.needs_key else LOCAL_NAMES)
        if allowed and host not in allowed:
            return 421, "This server is not known by that name; see serve.allowed_hosts."
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("host"):
            return 403, "Pages of other sites may not use this server."
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = (
            scope["method"]
            if scope["method"] in ("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS")
            else "other"
        )
        self.server.telemetry.requests.labels(method, route, str(status)).inc()
        self.server.telemetry.latency_s.labels(method, route).observe(seconds)
        if route not in ("/healthz", "/readyz", "/metrics"):
            facts = {"request_id": scope["state"]["request_id"], "method": method, "route": route, "status": status}
            owner = scope["state"].get("owner", "")
            LOGGER.info("request", extra={**facts, "seconds": round(seconds, 4), "owner": owner})
