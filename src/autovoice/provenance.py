"""Where a result comes from: a record in the file's own metadata, and beside it as FILE.json."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import soundfile as sf

from autovoice import __version__
from autovoice.files import read_json, sha256_file, write_json
from autovoice.voice import VoiceProfile

SIGN = "autovoice provenance"


@dataclass(frozen=True)
class Provenance:
    """Who speaks, by which weights, with whose consent (an empty consent_id: none is recorded), and when it was made."""

    voice: str
    model: str  # base | adapted
    weights_sha256: str
    preset: str
    consent_id: str
    watermark: bool
    time_utc: str
    version: str = __version__

    def tags(self) -> dict[str, str]:
        """The record as soundfile's string fields, for StreamWriter."""
        return {"software": f"AutoVoice {self.version}", "comment": json.dumps({SIGN: asdict(self)}, sort_keys=True)}

    def write_beside(self, path: Path) -> Path:
        """Writes FILE.json with the record and the SHA-256 of the finished file."""
        write_json(sidecar_of(path), {**asdict(self), "file_sha256": sha256_file(path)})
        return sidecar_of(path)


def provenance_of(voice: VoiceProfile, base_weights: Path, preset: str, watermark: bool) -> Provenance:
    """The record of a result that is made now."""
    model, weights = ("adapted", voice.adapted) if voice.adapted else ("base", base_weights)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Provenance(voice.name, model, sha256_file(weights), preset, voice.consent_id, watermark, now)


def sidecar_of(path: Path) -> Path:
    """FILE.json, the suffix of FILE kept."""
    return path.with_name(path.name + ".json")


def read_provenance(path: Path) -> dict[str, Any]:
    """{"sidecar": its record, "metadata": the record in the file itself}, each only where there is one.

    A sidecar also says as `unchanged` whether the file still is the one that was written. Raises DataError for a sidecar that
    is not JSON.
    """
    found: dict[str, Any] = {}
    if sidecar_of(path).is_file():
        beside = read_json(sidecar_of(path), "autovoice convert")
        if isinstance(beside, dict) and "weights_sha256" in beside:
            found["sidecar"] = {**beside, "unchanged": beside.get("file_sha256") == sha256_file(path)}
    if inside := _in_metadata(path):
        found["metadata"] = inside
    return found


def _in_metadata(path: Path) -> dict[str, Any] | None:
    try:
        with sf.SoundFile(path) as stream:
            record = json.loads(stream.comment or "null")
    except (sf.LibsndfileError, ValueError, TypeError):  # of another kind, or with a comment of another program
        return None
    record = record.get(SIGN) if isinstance(record, dict) else None
    return record if isinstance(record, dict) else None
