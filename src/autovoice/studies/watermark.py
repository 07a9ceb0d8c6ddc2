"""How well the watermark is found and how little it is heard, measured on a folder of recordings.

python -m autovoice.studies.watermark RECORDINGS -o FOLDER [--unmarked N] [--marked N] [--quality N]

Writes unmarked.json, detection.json and quality.json, each when its N is above 0, and watermark.md of those that are there.
"""

import argparse
import io
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from autovoice.audio.resample import resample
from autovoice.errors import AutovoiceError, DataError
from autovoice.files import read_json, write_json, write_text
from autovoice.studies.report import table
from autovoice.watermark import STRENGTH_DB, detect, marked
from autovoice.watermark.detector import FALSE_ALARMS, PERIOD_S, RATE, Z_MARKED, folded, judge

OUT_RATE = 24000
MIN_S, MAX_S = 5.0, 10.0
MIN_UNMARKED_S = 2.0
PAYLOAD = 0x5EA1ED42
MP3_64_KBIT = (160 - 64) / (160 - 8)  # of the bit rates that MPEG-2 layer III has at 24 kHz, from the highest down
OTHER_KEYS = 4  # that each unmarked recording is tried with: a recording without this mark is one with any other key
SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}
Attack = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _coded(wav: np.ndarray, kind: str, subtype: str, **settings: Any) -> np.ndarray:
    stream = io.BytesIO()
    with sf.SoundFile(stream, "w", OUT_RATE, 1, subtype, format=kind, **settings) as file:
        file.write(wav)
    stream.seek(0)
    return sf.read(stream, dtype="float32")[0]


def _noisy(wav: np.ndarray, rng: np.random.Generator, snr_db: float) -> np.ndarray:
    noise = rng.normal(size=len(wav)) * np.sqrt(np.mean(wav**2) * 10 ** (-snr_db / 10))
    return (wav + noise).astype(np.float32)


ATTACKS: dict[str, Attack] = {  # each is followed by a cut of 5 to 10 s from an unknown place
    "cut only": lambda wav, rng: wav,
    "mp3, 64 kbit/s": lambda wav, rng: _coded(
        wav, "MP3", "MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=MP3_64_KBIT
    ),
    "ogg vorbis": lambda wav, rng: _coded(wav, "OGG", "VORBIS"),
    "16 kHz and back": lambda wav, rng: resample(resample(wav, OUT_RATE, 16000), 16000, OUT_RATE),
    "8 kHz": lambda wav, rng: resample(resample(wav, OUT_RATE, 8000), 8000, OUT_RATE),
    "white noise, 30 dB": lambda wav, rng: _noisy(wav, rng, 30.0),
    "white noise, 20 dB": lambda wav, rng: _noisy(wav, rng, 20.0),
}


def recordings(folder: Path, n: int, min_s: float = MIN_S, seed: int = 0) -> Iterator[np.ndarray]:
    """The first min_s to 10 s of up to n files below folder, drawn by the seed: mono at OUT_RATE. DataError without any."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    random.Random(seed).shuffle(paths)
    found = 0
    for path in paths:
        if found < n and sf.info(path).duration >= min_s:
            rate = sf.info(path).samplerate
            wav, _ = sf.read(path, frames=int(MAX_S * rate), dtype="float32", always_2d=True)
            found += 1
            yield resample(wav.mean(1), rate, OUT_RATE)
    if not found:
        raise DataError(f"holds no recordings of {min_s:g} s or more", str(folder), "name a folder of speech")


def measure_unmarked(folder: Path, n: int) -> dict[str, Any]:
    """The largest statistics of recordings and of noise that hold no mark, and how many were taken for marked."""
    rng, values, alarms = np.random.default_rng(0), [], 0
    noises = (rng.normal(size=int(MAX_S * RATE)).astype(np.float32) * 0.1 for _ in range(n // 20))
    heard = (resample(wav, OUT_RATE, RATE) for wav in recordings(folder, n, MIN_UNMARKED_S))
    for wav in (wav for source in (heard, noises) for wav in source):
        levels = folded([wav[: int(PERIOD_S * RATE)]])
        alarms += judge(levels).marked
        values += [judge(levels, f"other {i}".encode()).z for i in range(OTHER_KEYS)] + [judge(levels).z]
    tries = np.array(values)
    others = int((tries >= Z_MARKED).sum())
    quantiles = {f"z_{q:g}": float(np.percentile(tries, q)) for q in (50, 99, 99.9)}
    counts = {"recordings": len(tries) // (OTHER_KEYS + 1), "alarms": alarms, "tries": len(tries), "alarms_any": others}
    return {**counts, **quantiles, "z_max": float(tries.max()), "threshold": Z_MARKED, "stated": FALSE_ALARMS}


def measure_detection(folder: Path, n: int, strength_db: float) -> dict[str, Any]:
    """Share of n marked recordings found after each attack, of payloads read right and of those read wrong."""
    found: dict[str, list[tuple[bool, float, bool, bool]]] = {name: [] for name in ATTACKS}
    for i, wav in enumerate(recordings(folder, n)):
        with_mark = np.clip(marked(wav, OUT_RATE, PAYLOAD, strength_db), -1, 1)
        for name, attack in ATTACKS.items():
            rng = np.random.default_rng(i)
            after = attack(with_mark, rng)
            size = int(rng.uniform(MIN_S, min(MAX_S, len(after) / OUT_RATE)) * OUT_RATE)
            start = int(rng.integers(0, len(after) - size + 1))
            said = detect(after[start : start + size], OUT_RATE)
            wrong = said.payload not in (None, PAYLOAD)
            found[name].append((said.marked, said.z, said.payload == PAYLOAD, wrong))
    rows = {}
    for name, seen in found.items():
        hits, z, right, wrong = np.array(seen, float).T
        shares = {"found": hits.mean(), "payload": right.mean(), "payload_wrong": wrong.mean()}
        rows[name] = {key: float(x) for key, x in (shares | {"z_1": np.percentile(z, 1), "z_50": np.median(z)}).items()}
    return {"n": len(seen), "strength_db": strength_db, "rows": rows}


def measure_quality(folder: Path, n: int, strength_db: float) -> dict[str, Any]:
    """Marked against unmarked: PESQ (wide band), SNR, and the cosine of two speaker encoders' embeddings."""
    from pesq import pesq

    from autovoice.metrics.campplus import campplus_embedding
    from autovoice.metrics.secs import secs_embedding
    from autovoice.metrics.speaker import cosine

    rows: dict[str, list[float]] = {"pesq_wb": [], "snr_db": [], "secs": [], "campp": []}
    for wav in recordings(folder, n):
        with_mark = marked(wav, OUT_RATE, PAYLOAD, strength_db)
        rows["snr_db"].append(10 * np.log10(np.sum(wav**2) / np.sum((with_mark - wav) ** 2)))
        a, b = (resample(x, OUT_RATE, RATE) for x in (wav, with_mark))
        rows["pesq_wb"].append(pesq(RATE, a, b, "wb"))
        rows["secs"].append(cosine(secs_embedding(a), secs_embedding(b)))
        rows["campp"].append(cosine(campplus_embedding(a), campplus_embedding(b)))
    summary = {k: {"mean": float(np.mean(v)), "worst": float(np.min(v))} for k, v in rows.items()}
    return {"n": len(rows["snr_db"]), "strength_db": strength_db, "rows": summary}


def report(out: Path) -> str:
    """Markdown of the JSON files that are in out."""
    made_by, text = "python -m autovoice.studies.watermark", ""
    if (out / "detection.json").is_file():
        seen = read_json(out / "detection.json", made_by)
        lines = [[f"{seen['n']} recordings, then", "found", "payload right", "wrong", "z: 1 % under", "median"]]
        for name, row in seen["rows"].items():
            shares = [f"{row[key]:.1%}" for key in ("found", "payload", "payload_wrong")]
            lines.append([name, *shares, f"{row['z_1']:.1f}", f"{row['z_50']:.1f}"])
        text += table(lines) + "\n"
    if (out / "unmarked.json").is_file():
        none = read_json(out / "unmarked.json", made_by)
        heads = [
            "unmarked recordings",
            "false alarms",
            "with any of five keys",
            "false alarms",
            "largest z",
            "threshold",
        ]
        keys = ("recordings", "alarms", "tries", "alarms_any")
        cells = [*(str(none[key]) for key in keys), f"{none['z_max']:.2f}", f"{none['threshold']:.2f}"]
        text += table([heads, cells]) + "\n"
    if (out / "quality.json").is_file():
        heard = read_json(out / "quality.json", made_by)
        lines = [[f"marked against unmarked, {heard['n']} recordings", "mean", "worst"]]
        lines += [[name, f"{row['mean']:.3f}", f"{row['worst']:.3f}"] for name, row in heard["rows"].items()]
        text += table(lines)
    return text


def main(argv: list[str] | None = None) -> int:
    """Measures what is asked for and writes the table of all that was measured."""
    parser = argparse.ArgumentParser(
        prog="python -m autovoice.studies.watermark", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("recordings", type=Path, metavar="RECORDINGS", help="a folder of unmarked speech")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--unmarked", type=int, default=2200, metavar="N")
    parser.add_argument("--marked", type=int, default=300, metavar="N")
    parser.add_argument("--quality", type=int, default=60, metavar="N")
    parser.add_argument("--strength", type=float, default=STRENGTH_DB, metavar="DB")
    args = parser.parse_args(argv)
    try:
        if args.unmarked:
            write_json(args.out / "unmarked.json", measure_unmarked(args.recordings, args.unmarked))
        if args.marked:
            write_json(args.out / "detection.json", measure_detection(args.recordings, args.marked, args.strength))
        if args.quality:
            write_json(args.out / "quality.json", measure_quality(args.recordings, args.quality, args.strength))
        write_text(args.out / "watermark.md", report(args.out))
    except AutovoiceError as error:
        print(f"watermark: {error.sentence}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
