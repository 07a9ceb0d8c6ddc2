"""Where recordings come from: the demo, a person's folder, a CSV, or a public corpus through torchaudio.datasets."""

import csv
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autovoice.config import DatasetConfig
from autovoice.errors import DataError

SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}


@dataclass
class Recording:
    """One file of one speaker. recording_id is unique within the dataset."""

    speaker: str
    path: Path
    recording_id: str
    text: str = ""
    lang: str = ""
    sex: str = ""


def list_recordings(cfg: DatasetConfig) -> list[Recording]:
    """All recordings of a dataset in a fixed order; raises DataError if there are none or a speaker is ambiguous."""
    if cfg.name not in SOURCES:
        raise DataError(f"no dataset {cfg.name!r}", "dataset.name", f"choose one of {', '.join(SOURCES)}")
    root = Path(cfg.path)
    if not cfg.path or not (root.exists() or cfg.download):
        raise DataError("no such path", f"dataset.path={cfg.path}", "name a folder (or a CSV for dataset=manifest)")
    recordings = sorted(SOURCES[cfg.name](root, cfg), key=lambda r: (r.speaker, r.recording_id))
    if not recordings:
        kinds = ", ".join(sorted(SUFFIXES))
        raise DataError("holds no recordings", str(root), f"put them in <speaker>/ as {kinds}")
    _check_speakers([r.speaker for r in recordings], root)
    return _limited(recordings, cfg)


def _check_speakers(speakers: list[str], root: Path) -> None:
    seen: dict[str, str] = {}
    for speaker in sorted(set(speakers)):
        key = unicodedata.normalize("NFKC", speaker).casefold().strip()
        if key in seen:
            raise DataError(
                f"two speakers with one name: {seen[key]!r} and {speaker!r}", str(root), "rename one of them"
            )
        seen[key] = speaker


def _limited(recordings: list[Recording], cfg: DatasetConfig) -> list[Recording]:
    if not cfg.max_speakers:
        return recordings
    kept = sorted({r.speaker for r in recordings})[: cfg.max_speakers]
    return [r for r in recordings if r.speaker in kept]


def _from_folder(root: Path, cfg: DatasetConfig) -> list[Recording]:
    """<speaker>/**/*.<suffix>, with optional speakers.csv (speaker, sex, lang) and texts.csv (path, text) beside them."""
    people = {row["speaker"]: row for row in _rows(root / "speakers.csv")}
    texts = {row["path"]: row["text"] for row in _rows(root / "texts.csv")}
    recordings = []
    for path in sorted(p for p in root.glob("*/**/*") if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")):
        relative = path.relative_to(root)
        person = people.get(relative.parts[0], {})
        text, lang, sex = texts.get(relative.as_posix(), ""), person.get("lang", ""), person.get("sex", "")
        recordings.append(Recording(relative.parts[0], path, relative.as_posix(), text, lang, sex))
    return recordings


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _from_manifest(path: Path, cfg: DatasetConfig) -> list[Recording]:
    """CSV with the columns path and speaker, and optionally text, lang, sex; paths relative to the CSV."""
    rows = _rows(path)
    if rows and not {"path", "speaker"} <= rows[0].keys():
        raise DataError("lacks the columns path and speaker", str(path), "add them as the first line")
    for number, row in enumerate(rows, 2):
        if not row["path"] or not row["speaker"]:
            raise DataError(f"line {number} has no path or no speaker", str(path), "complete the line")
    return [
        Recording(
            row["speaker"],
            path.parent / row["path"],
            row["path"],
            row.get("text") or "",
            row.get("lang") or "",
            row.get("sex") or "",
        )
        for row in rows
    ]


def _from_torchaudio(kind: str, default_subset: str) -> Callable[[Path, DatasetConfig], list[Recording]]:
    def read(root: Path, cfg: DatasetConfig) -> list[Recording]:
        from autovoice.torchaudio_compat import torchaudio

        subset, datasets = cfg.subset or default_subset, torchaudio.datasets
        try:
            if kind == "vctk":
                return _vctk(datasets.VCTK_092(str(root), download=cfg.download))
            reader = datasets.LIBRISPEECH if kind == "librispeech" else datasets.LIBRITTS
            return _libri(reader(str(root), subset, download=cfg.download), root)
        except (RuntimeError, OSError, ValueError) as error:
            raise DataError(
                f"cannot be read as {kind} ({error})", str(root), "check dataset.path and dataset.subset"
            ) from error

    return read


def _libri(corpus, root: Path) -> list[Recording]:
    recordings = []
    for i in range(len(corpus)):
        if hasattr(corpus, "get_metadata"):  # LibriSpeech: path relative to the archive
            name, _, text, speaker, *_ = corpus.get_metadata(i)
            path = Path(corpus._archive) / name
        else:  # LibriTTS names files only
            stem = corpus._walker[i]
            speaker, chapter = stem.split("_")[:2]
            path = Path(corpus._path) / speaker / chapter / f"{stem}{corpus._ext_audio}"
            text = path.with_name(f"{stem}.normalized.txt").read_text(encoding="utf-8").strip()
        recordings.append(Recording(str(speaker), path, path.stem, text, "en"))
    return recordings


def _vctk(corpus) -> list[Recording]:
    recordings = []
    for speaker, utterance in corpus._sample_ids:
        path = Path(corpus._audio_dir) / speaker / f"{speaker}_{utterance}_{corpus._mic_id}{corpus._audio_ext}"
        text = Path(corpus._txt_dir) / speaker / f"{speaker}_{utterance}.txt"
        recordings.append(Recording(speaker, path, path.stem, text.read_text(encoding="utf-8").strip(), "en"))
    return recordings


SOURCES: dict[str, Callable[[Path, DatasetConfig], list[Recording]]] = {
    "demo": _from_folder,
    "folder": _from_folder,
    "manifest": _from_manifest,
    "librispeech": _from_torchaudio("librispeech", "dev-clean"),
    "vctk": _from_torchaudio("vctk", ""),
    "libritts": _from_torchaudio("libritts", "dev-clean"),
}
