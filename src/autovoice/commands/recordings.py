"""The recordings that a person names on the command line: files, or folders of them."""

from collections.abc import Iterable
from pathlib import Path

from autovoice.commands.console import Console
from autovoice.errors import AudioError

SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".webm", ".wma", ".mp4"}


def expand(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, folders as the audio files below them, each once; raises AudioError for what is not there."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise AudioError("holds no audio files", str(path), "name a recording, or a folder of them")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise AudioError("no such file or folder", str(path), "check the path")
    return list(found)


def warn_of(path: Path, console: Console) -> list[str]:
    """Says what is odd about a usable recording (clipped, 8 kHz, truncated, ...) and returns it."""
    from autovoice.audio.io import probe

    warnings = list(probe(path).warnings)
    for warning in warnings:
        console.warn(f"{path}: {warning}")
    return warnings


def load_checked(paths: Iterable[Path], console: Console) -> tuple[list, dict[str, list[str]]]:
    """-> (mono recordings at the output rate, warnings by path); raises AudioError for one that is not usable."""
    from autovoice.audio.io import load_wav
    from autovoice.config import AudioConfig

    files = expand(paths)
    warnings = {str(path): warn_of(path, console) for path in files}
    return [load_wav(path, AudioConfig().output_rate) for path in files], {k: v for k, v in warnings.items() if v}
