"""What a batch has done: a record a result, below the results, so that a run that is started again does only the rest."""

import fcntl
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autovoice.errors import DataError
from autovoice.files import sha256_file, write_json

FOLDER = ".batch"  # below the results


@dataclass(frozen=True)
class Outcome:
    """What became of a job: done now, kept from an earlier run (with what it took then), or failed, and why.

    duration_s: of the result; seconds: what it took; rtf = seconds / duration_s.
    """

    source: str
    out: str
    status: str  # done | kept | failed
    duration_s: float | None = None
    seconds: float | None = None
    rtf: float | None = None
    warnings: list[str] = field(default_factory=list)
    error: str = ""


def fingerprint(facts: Mapping[str, Any]) -> str:
    """SHA-256 of everything that a result depends on; the order of the keys does not matter."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Ledger:
    """The records of the results below `root`. Whoever makes a result enters it at once: a killed run loses no finished one."""

    root: Path

    def _record(self, out: Path) -> Path:
        below = out.relative_to(self.root)
        return self.root / FOLDER / "done" / below.with_name(below.name + ".json")

    def kept(self, out: Path, inputs: str) -> Outcome | None:
        """The outcome of a result that is there unchanged and was made from the same inputs, a fingerprint; else None."""
        try:
            record = json.loads(self._record(out).read_text(encoding="utf-8"))
            if record["inputs"] == inputs and record["file_sha256"] == sha256_file(out):
                return replace(Outcome(**record["outcome"]), status="kept")
        except (OSError, ValueError, KeyError, TypeError):  # none, or not one of ours: the result is made again
            pass
        return None

    def enter(self, out: Path, inputs: str, outcome: Outcome) -> None:
        """Records a finished result, whole or not at all."""
        record = {"inputs": inputs, "file_sha256": sha256_file(out), "outcome": asdict(outcome)}
        write_json(self._record(out), record)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other runs out of this folder; the system lets go of it when the process ends, however it ends."""
        (self.root / FOLDER).mkdir(parents=True, exist_ok=True)
        with (self.root / FOLDER / "lock").open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(
                    "another batch writes here now", str(self.root), "wait for it, or name another"
                ) from error
            yield

    def sweep(self, outs: Iterable[Path]) -> None:
        """Removes what killed writers left of the results: hidden files with a random part in their names."""
        finals = [path for out in outs for path in (out, out.with_name(out.name + ".json"), self._record(out))]
        begun = {(path.parent, path.stem[:40], path.suffix) for path in finals}
        for folder in {path.parent for path in finals if path.parent.is_dir()}:
            for path in folder.iterdir():
                left = re.fullmatch(r"\.(.+)\.[a-z0-9_]{8}", path.stem)
                if left and (folder, left[1], path.suffix) in begun:
                    path.unlink(missing_ok=True)
