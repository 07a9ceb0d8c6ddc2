"""Logs as one JSON object a line, of listed fields only: no audio, text, names of files, comments or keys can slip in."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

FIELDS = (
    "request_id", "method", "route", "status", "seconds", "owner", "job", "kind", "reason", "address", "streams", "sent", "late",
)  # fmt: skip


class JsonFormatter(logging.Formatter):
    """time, level, message, and what of FIELDS a record has; a traceback without the exception's own words."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as one line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": when, "level": record.levelname.lower(), "message": record.getMessage()}
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"], line["at"] = type(record.exc_info[1]).__name__, _places(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _places(error: BaseException) -> list[str]:
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]


def start_logging(level: int = logging.INFO) -> None:
    """The logger `autovoice` and uvicorn's errors, to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("autovoice", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level if name == "autovoice" else logging.WARNING)
