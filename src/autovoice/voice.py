"""A cloned voice: who it sounds like, how high, how sure we are of it, and the recordings it came from."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from safetensors.numpy import load_file, save_file

from autovoice.audio.bandwidth import bandwidth_hz
from autovoice.audio.f0 import median_f0_hz
from autovoice.audio.io import load_wav, save_wav
from autovoice.audio.loudness import estimate_snr_db
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig
from autovoice.errors import DataError
from autovoice.features import at_level, even_length, extract_frames, ref_mel_of
from autovoice.files import read_json, replacing, write_json
from autovoice.networks import Networks, Target

SCHEMA = 1
MIN_SPEECH_S, SHORT_SPEECH_S = 3.0, 10.0
MAX_REFERENCE_S = 120.0  # frames kept for attention and retrieval
PIECE_S = 15.0
FULL_BAND_HZ = 24000.0  # of any rate that the model may speak at
SPEECH_REACH_FRAMES = 30  # an active frame is speech if a voiced one is within 0.3 s
CONSISTENT, NOISY_DB = 0.75, 15.0  # mean cosine between pieces of one voice is .85 to .95; clean speech has over 25 dB
Progress = Callable[[float], None]


@dataclass
class VoiceProfile:
    """Everything that conversion needs to know of a voice.

    spk_emb: (256,) unit vector; ref_content: (R, D) and ref_mel: (R, n_mels) float16 at 20 ms, also the retrieval index;
    spread: mean cosine between pieces of the voice, 1 = all alike; adapted: path of its own generator weights, if any.
    """

    name: str
    spk_emb: np.ndarray
    ref_content: np.ndarray
    ref_mel: np.ndarray
    f0_median_hz: float
    f0_low_hz: float
    f0_high_hz: float
    speech_s: float
    spread: float
    snr_db: float
    verdict: str  # good | usable | poor
    reasons: list[str] = field(default_factory=list)
    consent: str = ""
    consent_file: str = ""  # its copy in the voice's folder
    consent_sha256: str = ""  # of that file
    band_hz: float = FULL_BAND_HZ  # up to which the recordings have content
    adapted: Path | None = None
    parts: dict[str, str] = field(default_factory=dict)  # of a blend: the consent id of each voice in it
    recordings: list[np.ndarray] = field(default_factory=list, repr=False)

    @property
    def consent_id(self) -> str:
        """Eight hexadecimal digits that name the consent on record, empty without any; results carry them."""
        return consent_id_of(self.consent, self.consent_sha256)

    @property
    def payload(self) -> int:
        """What the watermark of this voice's results says: the consent id, 0 without any."""
        return int(self.consent_id or "0", 16)

    def target(self, reference_s: float) -> Target:
        """As the generator hears it, with so much of the reference."""
        size = max(1, int(reference_s * 50))
        content, mel = (part[:size].astype(np.float32) for part in (self.ref_content, self.ref_mel))
        return Target(self.spk_emb, content, mel, self.adapted)

    def save(self, folder: Path, sample_rate: int) -> None:
        """Writes voice.json, voice.safetensors and, at sample_rate, recordings/*.flac.

        voice.json comes last and makes the voice valid.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for i, wav in enumerate(self.recordings):
            save_wav(folder / "recordings" / f"{i:04d}.flac", wav, sample_rate)
        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in ("spk_emb", "ref_content", "ref_mel")}
        with replacing(folder / "voice.safetensors") as temporary:
            save_file(tensors, temporary)
        skip = {"spk_emb", "ref_content", "ref_mel", "recordings", "adapted"}
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in skip}
        write_json(folder / "voice.json", {"schema": SCHEMA, **facts})

    @classmethod
    def load(cls, folder: Path) -> "VoiceProfile":
        """Reads what save wrote, without the recordings; raises DataError if the folder is not a voice."""
        if not (folder / "voice.json").is_file():
            raise DataError("no such voice", str(folder), "clone it first: autovoice clone NAME RECORDING")
        facts = read_json(folder / "voice.json", "autovoice clone")
        if facts.pop("schema", None) != SCHEMA:
            raise DataError("was made by another version", str(folder), "clone the voice again")
        tensors = load_file(folder / "voice.safetensors")
        weights = folder / "weights.safetensors"
        return cls(**facts, **tensors, adapted=weights if weights.is_file() else None)  # type: ignore[arg-type]

    def facts(self) -> dict[str, object]:
        """What a person or a program wants to know of the voice, without its tensors."""
        names = (
            "name",
            "speech_s",
            "f0_median_hz",
            "f0_low_hz",
            "f0_high_hz",
            "spread",
            "snr_db",
            "verdict",
            "reasons",
            "consent",
            "consent_file",
            "consent_sha256",
        )
        values = asdict(self, dict_factory=lambda pairs: {k: v for k, v in pairs if k in names})
        return {**values, "consent_id": self.consent_id, "adapted": self.adapted is not None}


def consent_id_of(consent: str, file_sha256: str = "") -> str:
    """The id of what was said and shown; empty where both are."""
    if not (consent or file_sha256):
        return ""
    return hashlib.sha256(f"{consent}\n{file_sha256}".encode()).hexdigest()[:8]


def joint_consent(parts: Mapping[str, str]) -> str:
    """What several people's consent comes to, in whatever order they are named; parts: the consent id of each voice.

    Empty where one has none: nobody consents for another.
    """
    return ", ".join(f"{name} {parts[name]}" for name in sorted(parts)) if all(parts.values()) else ""


def voice_dir(voices: Path, name: str) -> Path:
    """The folder of voice `name` below `voices`; raises DataError for a name that is not a plain file name."""
    plain = unicodedata.normalize("NFC", name)
    if (
        not plain
        or len(plain) > 64
        or not re.fullmatch(r"[\w][\w .'-]*", plain)
        or plain.endswith((".", " "))
        or ".." in plain
    ):
        raise DataError("is not a usable voice name", repr(name), "use 1 to 64 letters, digits, spaces, - or _")
    return Path(voices) / plain


def recordings_of(folder: Path, sample_rate: int) -> list[np.ndarray]:
    """The prepared recordings that clone kept in a voice folder."""
    paths = sorted((folder / "recordings").glob("*.flac"))
    if not paths:
        raise DataError("keeps no recordings", str(folder), "clone the voice again")
    return [load_wav(path, sample_rate) for path in paths]


def duration_of_recordings_s(folder: Path) -> float:
    """Seconds of the prepared recordings in a voice folder."""
    return sum(sf.info(path).duration for path in (folder / "recordings").glob("*.flac"))


def speech_seconds(item: dict[str, np.ndarray], audio: AudioConfig) -> float:
    """Seconds of frames that are active (within 30 dB of the loud ones) and near a voiced frame: noise has none."""
    loudness = item["loudness"]
    if not len(loudness):
        return 0.0
    active = loudness > max(np.percentile(loudness, 95) - 30 / 20, -60 / 20 + 1.5)
    voiced = np.convolve(item["f0"] > 0, np.ones(2 * SPEECH_REACH_FRAMES + 1), "same")[: len(active)] > 0
    return float((active & voiced).sum() * audio.hop_length / audio.sample_rate)


def pieces_of(wavs: list[np.ndarray], sample_rate: int) -> list[np.ndarray]:
    """wavs cut into equal pieces of at most 15 s."""
    pieces = []
    for wav in wavs:
        n = max(1, int(np.ceil(len(wav) / (PIECE_S * sample_rate))))
        pieces += [piece for piece in np.array_split(wav, n) if len(piece) >= sample_rate // 5]
    return pieces


def _verdict(speech_s: float, spread: float, snr_db: float) -> tuple[str, list[str]]:
    reasons = []
    if speech_s < SHORT_SPEECH_S:
        reasons.append(f"only {speech_s:.1f} s of speech: give 10 s or more")
    if spread < CONSISTENT:
        reasons.append(f"the recordings differ among themselves (similarity {spread:.2f}): is it one person?")
    if snr_db < NOISY_DB:
        reasons.append(f"noisy recordings (about {snr_db:.0f} dB): record in a quiet room")
    return ("good", "usable", "poor")[min(len(reasons), 2)], reasons


def profile_from_features(
    name: str,
    wavs: list[np.ndarray],
    items: list[dict[str, np.ndarray]],
    spk_embs: list[np.ndarray],
    audio: AudioConfig,
    consent: str = "",
) -> VoiceProfile:
    """A profile from pieces of speech (wavs, at audio.output_rate), their features (items) and their speaker embeddings.

    Raises DataError when there are fewer than 3 s of speech in all.
    """
    speech_s = sum(speech_seconds(item, audio) for item in items)
    if speech_s < MIN_SPEECH_S:
        raise DataError(f"only {speech_s:.1f} s of speech, 3 s are needed", name, "give longer recordings of it")
    mean = np.average(np.stack(spk_embs), axis=0, weights=np.array([len(wav) for wav in wavs], float))
    spread = mean_similarity(np.stack(spk_embs))
    f0 = np.concatenate([item["f0"] for item in items])
    voiced = f0[f0 > 0]
    snr_db = float(np.median([estimate_snr_db(wav, audio.output_rate) for wav in wavs]))
    verdict, reasons = _verdict(speech_s, spread, snr_db)
    n_reference = int(MAX_REFERENCE_S * 50)
    return VoiceProfile(
        name=name,
        spk_emb=(mean / np.linalg.norm(mean)).astype(np.float32),
        ref_content=np.concatenate([item["content"] for item in items])[:n_reference],
        ref_mel=np.concatenate([ref_mel_of(item) for item in items])[:n_reference].astype(np.float16),
        f0_median_hz=median_f0_hz(f0),
        f0_low_hz=float(np.percentile(voiced, 5)) if len(voiced) else 0.0,
        f0_high_hz=float(np.percentile(voiced, 95)) if len(voiced) else 0.0,
        speech_s=speech_s,
        spread=spread,
        snr_db=snr_db,
        verdict=verdict,
        reasons=reasons,
        consent=consent,
        band_hz=max(bandwidth_hz(wav, audio.output_rate) for wav in wavs),
        recordings=wavs,
    )


def mean_similarity(embs: np.ndarray) -> float:
    """embs: unit vectors (n, D) -> mean cosine between different ones; 1.0 for a single one."""
    pairs = (embs @ embs.T)[~np.eye(len(embs), dtype=bool)]
    return float(pairs.mean()) if len(pairs) else 1.0


def load_networks(*settings: Any) -> Networks:
    """Those of torch, which is imported only here: settings are TorchNetworks' own."""
    from autovoice.models.torch_networks import TorchNetworks

    return TorchNetworks(*settings)


def clone_voice(
    name: str,
    wavs: list[np.ndarray],
    consent: str = "",
    on_progress: Progress | None = None,
    networks: Networks | None = None,
) -> VoiceProfile:
    """wavs: mono recordings of one voice at audio.output_rate, finite -> its profile. Raises DataError under 3 s of speech.

    networks: a converter's, those of torch on the CPU if None.
    """
    networks = networks or load_networks("cpu")
    audio = networks.audio
    pieces = [at_level(piece, audio.output_rate, audio) for piece in pieces_of(wavs, audio.output_rate)]
    items, embs = [], []
    for i, piece in enumerate(pieces):
        heard = resample(piece, audio.output_rate, audio.sample_rate)
        content = networks.content(heard[None, : even_length(len(heard), audio)])[0]
        items.append({"content": content.astype(np.float16), **extract_frames(heard, audio, networks.pitch)})
        embs.append(networks.embed_speaker(heard))
        if on_progress:
            on_progress((i + 1) / len(pieces))
    return profile_from_features(name, [np.clip(p, -1, 1) for p in pieces], items, embs, audio, consent)
