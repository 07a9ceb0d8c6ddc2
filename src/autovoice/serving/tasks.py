"""What a job of each kind does: from the files of its folder to a result in it, and the facts that are told of it."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping

from autovoice.files import write_json
from autovoice.provenance import sidecar_of
from autovoice.serving.faults import ApiError
from autovoice.spans import stage
from autovoice.voice import Progress

if TYPE_CHECKING:
    from autovoice.serving.server import Server

Facts = dict[str, Any]


def run_task(server: "Server", row: RowMapping, on_progress: Progress) -> Facts:
    """-> duration_s, rtf, shift_st, warnings and file, as far as the kind has them; raises what goes wrong."""
    with stage(f"job {row['kind']}"):
        return TASKS[row["kind"]](server, row, on_progress)


def _convert(server: "Server", row: RowMapping, on_progress: Progress) -> Facts:
    options, voice = row["options"], server.voices.profile(row["voice"], row["owner"])
    source, target = server.storage.fetch(f"jobs/{row['id']}/source"), _target(server, row, "result.wav")
    how = (row["preset"], options["pitch"], options["seed"], on_progress)
    stats = server.engine.convert(source, target, voice, *how)
    server.quality.offer(row["id"], source, target, voice, row["preset"], stats.shift_st)
    return _kept(server, row, target, asdict(stats), options["warnings"])


def _song(server: "Server", row: RowMapping, on_progress: Progress) -> Facts:
    options, voice = row["options"], server.voices.profile(row["voice"], row["owner"])
    source, target = server.storage.fetch(f"jobs/{row['id']}/source"), _target(server, row, "result.wav")
    how = {name: options[name] for name in ("pitch", "seed", "keep_stems")}
    stats = server.engine.sing(source, target, voice, row["preset"], how, on_progress)
    for path in stats["stems"]:
        server.storage.keep(f"jobs/{row['id']}/{Path(path).name}")
    return _kept(server, row, target, stats, options["warnings"] + stats["warnings"])


def _speech(server: "Server", row: RowMapping, on_progress: Progress) -> Facts:
    options, voice = row["options"], server.voices.profile(row["voice"], row["owner"])
    started, target = time.perf_counter(), _target(server, row, f"result.{options['format']}")
    duration_s = server.engine.speak(options["text"], target, voice, row["preset"], options, on_progress)
    rtf = (time.perf_counter() - started) / max(duration_s, 1e-9)
    return _kept(server, row, target, {"duration_s": duration_s, "rtf": rtf, "shift_st": None}, [])


def _evaluate(server: "Server", row: RowMapping, on_progress: Progress) -> Facts:
    """Measures as `autovoice evaluate` does, one file after the other in this process."""
    from autovoice.serving.measure import measure

    options, folder = row["options"], f"jobs/{row['id']}"
    source, converted, *references = (server.storage.fetch(f"{folder}/{name}") for name in options["files"])
    target = _target(server, row, "result.json")
    write_json(target, measure(source, converted, references, options["text"], options["lang"], on_progress))
    server.storage.keep(f"{folder}/{target.name}")
    return {"file": target.name, "warnings": options["warnings"]}


TASKS: dict[str, Callable[["Server", RowMapping, Progress], Facts]] = {
    "convert": _convert,
    "song": _song,
    "speech": _speech,
    "evaluate": _evaluate,
}


def _target(server: "Server", row: RowMapping, name: str) -> Path:
    return server.storage.path(f"jobs/{row['id']}/{name}")


def _kept(server: "Server", row: RowMapping, target: Path, stats: Facts, warnings: list[str]) -> Facts:
    for path in (target, sidecar_of(target)):
        if not path.is_file():  # its folder was deleted meanwhile
            raise ApiError(410, "deleted", "The job was deleted while it ran.")
        server.storage.keep(f"jobs/{row['id']}/{path.name}")
    facts = {name: stats[name] for name in ("duration_s", "rtf", "shift_st")}
    return {**facts, "warnings": warnings, "file": target.name}
