"""What a client is told: a code for programs, one sentence for people, never a path of the server."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from autovoice.errors import AssetError, AudioError, AutovoiceError, ConfigError

LOGGER = logging.getLogger(__name__)
CODES = {
    400: "bad_request",
    401: "no_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


class ApiError(HTTPException):
    """An answer that is not the one hoped for. An HTTPException, so that FastAPI's parser of bodies lets it through."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code, self.message = code, message


def told(error: Exception, where: str = "") -> tuple[int, str, str]:
    """An exception -> (status, code, sentence); where: what the client calls the thing, instead of our path."""
    if isinstance(error, ApiError):
        return error.status_code, error.code, error.message
    if isinstance(error, AutovoiceError):
        sentence = AutovoiceError(error.what, where, error.remedy).sentence
        if isinstance(error, AssetError):
            return 501, "not_available", sentence
        code = (
            "bad_audio"
            if isinstance(error, AudioError)
            else "bad_config"
            if isinstance(error, ConfigError)
            else "bad_input"
        )
        return 422, code, sentence
    if isinstance(error, ModuleNotFoundError):
        return 501, "not_available", f"This server lacks the package {error.name}; pip install 'autovoice[all]' there."
    if "No space left" in str(error):
        return 507, "disk_full", "The server's disk is full; try again later."
    return 500, "fault", "Something went wrong on the server; its log has the request id."


def body(request_id: str, code: str, message: str) -> dict[str, Any]:
    """The JSON of every error."""
    return {"error": {"code": code, "message": message, "request_id": request_id}}


async def answer_http(request: Request, error: Exception) -> JSONResponse:
    """For ApiError and Starlette's own (404, 405, bodies that cannot be parsed)."""
    assert isinstance(error, HTTPException)
    code = error.code if isinstance(error, ApiError) else CODES.get(error.status_code, "error")
    return _json(request, error.status_code, code, str(error.detail), error.headers)


async def answer_validation(request: Request, error: Exception) -> JSONResponse:
    """Says of the first wrong field what is wrong with it, and repeats nothing that the client sent."""
    assert isinstance(error, RequestValidationError)
    first = jsonable_encoder(error.errors()[0], exclude={"input", "ctx", "url"})
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    return _json(request, 422, "bad_request", f"{where or 'request'}: {first['msg']}.")


async def answer_fault(request: Request, error: Exception) -> JSONResponse:
    """For everything else: ours are told, what is unexpected is logged with its traceback."""
    status, code, message = told(error)
    if status == 500:
        LOGGER.error("fault", exc_info=error, extra={"request_id": _request_id(request)})
    return _json(request, status, code, message)


def _request_id(request: Request) -> str:
    return getattr(request.state, "request_id", "")


def _json(
    request: Request, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    return JSONResponse(body(_request_id(request), code, message), status, dict(headers or {}))
