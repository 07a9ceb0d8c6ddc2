"""Which run a folder of checkpoints belongs to: a checkpoint of other data or settings is never continued."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from autovoice.config import Config
from autovoice.files import sha256_file, write_text

MARKER = "run.txt"


def fingerprint(cfg: Config, hashes: Iterable[str], base: Path) -> str:
    """Changes with anything that an adaptation's checkpoint depends on. hashes: of the recordings."""
    parts = [cfg.seed, cfg.audio, cfg.content, cfg.model, cfg.optim, cfg.trainer, sha256_file(base), *hashes]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def prepare_work(work: Path, key: str) -> None:
    """Empties the folder of checkpoints unless they belong to this very run."""
    marker = work / MARKER
    if not marker.exists() or marker.read_text() != key:
        shutil.rmtree(work, ignore_errors=True)
        write_text(marker, key)
