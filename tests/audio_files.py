"""Recordings for tests: real speech of the demo, and every way in which a file can be wrong."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile as sf
import soxr

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "data" / "raw" / "demo"
RATE = 16000


def speech(speaker: str, seconds: float, skip_s: float = 0.0) -> np.ndarray:
    """Mono 16 kHz (T,) of a demo reader: recordings in order of their names, joined."""
    wavs, have = [], 0
    for path in sorted((DEMO / speaker).glob("*.flac")):
        wav, rate = sf.read(path, dtype="float32")
        assert rate == RATE
        wavs.append(wav)
        have += len(wav)
        if have >= (skip_s + seconds) * RATE:
            break
    start = int(skip_s * RATE)
    return np.concatenate(wavs)[start : start + int(seconds * RATE)]


def at_rate(wav: np.ndarray, rate: int) -> np.ndarray:
    """wav (T,) resampled from 16 kHz."""
    return soxr.resample(wav, RATE, rate)


def lie_about_length(path: Path) -> None:
    """Makes the data chunk of a WAV promise a hundred times what follows."""
    raw = bytearray(path.read_bytes())
    at = raw.index(b"data") + 4
    size = int.from_bytes(raw[at : at + 4], "little")
    raw[at : at + 4] = min(size * 100, 2**31).to_bytes(4, "little")
    path.write_bytes(raw)


def write_good(folder: Path, name: str, wav: np.ndarray) -> Path:
    """A file that is odd but usable, by name; all hold the same speech."""
    path = folder / f"{name}.wav"
    stereo = np.stack([wav, 0.5 * wav], 1)
    rng = np.random.default_rng(0)
    match name:
        case "clipped":
            sf.write(path, np.clip(wav * 30, -1, 1), RATE, "PCM_16")
        case "dc_offset":
            sf.write(path, np.clip(0.5 * wav + 0.2, -1, 1), RATE)
        case "8khz":
            sf.write(path, at_rate(wav, 8000), 8000)
        case "96khz":
            sf.write(path, at_rate(wav, 96000), 96000)
        case "stereo":
            sf.write(path, stereo, RATE)
        case "24bit":
            sf.write(path, wav, RATE, "PCM_24")
        case "5.1":
            sf.write(path, np.stack([wav] * 6, 1) * 0.5, RATE)
        case "truncated":
            sf.write(path, wav, RATE)
            path.write_bytes(path.read_bytes()[: 44 + int(len(wav) * 2 * 0.8)])
        case "lying_header":
            sf.write(path, wav, RATE)
            lie_about_length(path)
        case "mp3_named_wav":
            sf.write(path, wav, RATE, format="MP3", subtype="MPEG_LAYER_III")
        case "m4a":
            path = folder / "speech.m4a"
            write_m4a(path, wav)
        case "ünï çødé 声":
            sf.write(path, wav, RATE)
        case "quiet_noise":
            sf.write(path, 0.7 * wav + rng.normal(0, 1e-3, len(wav)), RATE)
        case _:
            raise ValueError(name)
    return path


def write_m4a(path: Path, wav: np.ndarray) -> None:
    """AAC in an MP4 container."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=RATE)
        frame = av.AudioFrame.from_ndarray(wav[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def write_bad(folder: Path, name: str) -> Path:
    """A file that must be refused, by name."""
    path = folder / f"{name}.wav"
    wav = speech("allison", 4.0)
    match name:
        case "empty":
            path.touch()
        case "0s":
            sf.write(path, np.zeros(0, np.float32), RATE)
        case "nan" | "inf":
            broken = wav.copy()
            broken[1000] = np.nan if name == "nan" else np.inf
            sf.write(path, broken, RATE, "FLOAT")
        case "text":
            path.write_text("this is not audio\n" * 50, encoding="utf-8")
        case "header_only":
            sf.write(path, wav, RATE)
            path.write_bytes(path.read_bytes()[:20])
        case "missing":
            pass
        case "folder_without_audio":
            path = folder / name
            path.mkdir()
            (path / "notes.txt").write_text("none", encoding="utf-8")
        case _:
            raise ValueError(name)
    return path
