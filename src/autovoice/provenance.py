"""Where a result comes from: a record in the file's own metadata, and beside it as FILE.json."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import soundfile as sf

from autovoice import __version__
from autovoice.files import read_json, sha256_file, write_json
from autovoice.voice import VoiceProfile, consent_id_of, joint_consent

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
    parts: Mapping[str, str] = field(default_factory=dict)  # of several voices: the consent id of each

    def facts(self) -> dict[str, Any]:
        """The record for JSON; parts only where there are any."""
        return {name: value for name, value in asdict(self).items() if name != "parts" or value}

    def tags(self) -> dict[str, str]:
        """The record as soundfile's string fields, for StreamWriter."""
        return {"software": f"AutoVoice {self.version}", "comment": json.dumps({SIGN: self.facts()}, sort_keys=True)}

    def write_beside(self, path: Path) -> Path:
        """Writes FILE.json with the record and the SHA-256 of the finished file."""
        write_json(sidecar_of(path), {**self.facts(), "file_sha256": sha256_file(path)})
        return sidecar_of(path)


def provenance_of(voice: VoiceProfile, base_weights: Path, preset: str, watermark: bool) -> Provenance:
    """The record of a result that is made now."""
    model, weights = ("adapted", voice.adapted) if voice.adapted else ("base", base_weights)
    facts = (voice.name, model, sha256_file(weights), preset, voice.consent_id, watermark, _now())
    return Provenance(*facts, parts=voice.parts)


def provenance_of_several(
    voices: Mapping[str, VoiceProfile], base_weights: Path, preset: str, watermark: bool
) -> Provenance:
    """The record of a result with several voices; voices: by whom each replaces. Its consent id is that of all of them.

    weights_sha256: of the one file, or of the hashes of all, sorted and joined, where there are more.
    """
    records = [provenance_of(voice, base_weights, preset, watermark) for voice in voices.values()]
    names = " ".join(f"{speaker}={voice.name}" for speaker, voice in voices.items())
    hashes = sorted({record.weights_sha256 for record in records})
    if len(records) == 1:
        return replace(records[0], voice=names)
    parts = {name: own for v in voices.values() for name, own in (v.parts or {v.name: v.consent_id}).items()}
    return Provenance(
        voice=names,
        model="+".join(sorted({record.model for record in records})),
        weights_sha256=hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest(),
        preset=preset,
        consent_id=consent_id_of(joint_consent(parts)),
        watermark=watermark,
        time_utc=_now(),
        parts=parts,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


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
