"""How well speakers are told apart, measured on conversations that are put together from recordings of single people.

python -m autovoice.studies.diarisation MANIFEST.csv -o FOLDER [--split NAME] [--conversations N] [--distance D...]

MANIFEST.csv has the columns path (beside it), speaker, seconds and split. The people of one split (train) derive the
distance that cluster.py cuts at, those of another (dev, the default) measure. Writes diarisation.json.
"""

import argparse
import csv
import random
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.audio.io import load_wav
from autovoice.audio.loudness import frame_power, gain_to
from autovoice.audio.runs import closed, runs
from autovoice.config import AudioConfig
from autovoice.diarise.cluster import MAX_DISTANCE
from autovoice.diarise.speakers import FRAMES_PER_S, listen, tell_apart
from autovoice.errors import AutovoiceError, DataError
from autovoice.files import write_json
from autovoice.metrics.diarisation import Segment, diarisation_errors

MIN_TURN_S, MAX_TURN_S, MIN_PERSON_S = 0.8, 6.0, 8.0
PAUSE_DB, PAUSE_FRAMES = 35.0, 15  # what is so far under the speech for 0.3 s is a pause within a recording
BETWEEN_S, LEVEL_DB = (0.0, 0.8), 4.0  # turns; people differ by that much in level
POWER_FRAMES_PER_S = 50
NOISE_DBFS = -60.0  # of the room: also between the turns
GOES_ON = 0.3  # share of turns after which the same person may speak on
PEOPLE = (2, 3)


def people_of(manifest: Path, split: str) -> dict[str, list[Path]]:
    """The recordings of each person of the split with at least 8 s."""
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == split]
    files: dict[str, list[Path]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for row in rows:
        files[row["speaker"]].append(manifest.parent / row["path"])
        seconds[row["speaker"]] += float(row["seconds"])
    names = [name for name in sorted(files) if seconds[name] >= MIN_PERSON_S]
    if len(names) < max(PEOPLE):
        raise DataError(f"only {len(names)} people speak for {MIN_PERSON_S:g} s", str(manifest), "name more of them")
    return {name: files[name] for name in names}


def turns_of(paths: list[Path], audio: AudioConfig) -> list[np.ndarray]:
    """What a person says in turns of 0.8 to 6 s, cut at pauses of 0.3 s under -35 dB, and where there are none.

    By level alone, so that what judges the detector of speech is another one. A minute of a recording is heard.
    """
    turns, rate = [], audio.sample_rate
    for path in paths[:8]:
        wav = load_wav(path, rate)[: 60 * rate]
        wav = wav * gain_to(wav, rate, audio.level_dbfs)
        sounds = 10 * np.log10(frame_power(wav, rate) + 1e-12) > audio.level_dbfs - PAUSE_DB
        for start, stop in runs(closed(sounds, PAUSE_FRAMES)):
            a, b = (edge * rate // POWER_FRAMES_PER_S for edge in (start, stop))
            cuts = np.array_split(wav[a:b], -(-(b - a) // int(MAX_TURN_S * rate)))
            turns += [cut for cut in cuts if len(cut) >= MIN_TURN_S * rate]
    return turns


def conversation(people: dict[str, list[np.ndarray]], seed: int, rate: int) -> tuple[np.ndarray, list[Segment]]:
    """people: turns (T,) of each -> (mono (T,), who speaks when): all their turns, shuffled, nobody over another."""
    rng = random.Random(seed)
    left = {name: rng.sample(turns, len(turns)) for name, turns in people.items()}
    gains = {name: 10 ** (rng.uniform(-LEVEL_DB, LEVEL_DB) / 20) for name in people}
    parts: list[np.ndarray] = [np.zeros(rate // 2, np.float32)]
    truth: list[Segment] = []
    at = rate // 2
    while names := [name for name, turns in left.items() if turns]:
        others = [name for name in names if not truth or name != truth[-1][0]]
        name = rng.choice(others if others and rng.random() > GOES_ON else names)
        wav, pause = left[name].pop() * gains[name], int(rng.uniform(*BETWEEN_S) * rate)
        truth.append((name, at / rate, (at + len(wav)) / rate))
        parts += [wav, np.zeros(pause, np.float32)]
        at += len(wav) + pause
    joined = np.concatenate(parts)
    noise = np.random.default_rng(seed).normal(0, 10 ** (NOISE_DBFS / 20), len(joined))
    return (joined + noise).astype(np.float32), truth


def measure(manifest: Path, split: str, seeds: range, distances: list[float]) -> list[dict[str, Any]]:
    """A row a conversation and distance: the people there are, those found, the errors; by turns of 2 and 3 people."""
    audio, files = AudioConfig(), people_of(manifest, split)
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        names = random.Random(1000 + seed).sample(list(files), PEOPLE[seed % len(PEOPLE)])
        people = {name: turns_of(files[name], audio) for name in names}
        wav, truth = conversation(people, seed, audio.sample_rate)
        impression, duration_s = listen(wav, audio), len(wav) / audio.sample_rate
        for distance in distances:
            found = tell_apart(impression, max_distance=distance)
            segments = [(str(t.speaker), t.start / FRAMES_PER_S, t.stop / FRAMES_PER_S) for t in found]
            errors = diarisation_errors(truth, segments)
            counts = {"seed": seed, "people": len(names), "found": len({t.speaker for t in found})}
            shares = {"distance": distance, "duration_s": duration_s, "der": errors.der, **asdict(errors)}
            rows.append({**counts, **shares})
    return rows


def main(argv: list[str] | None = None) -> int:
    """Measures and writes diarisation.json."""
    parser = argparse.ArgumentParser(prog="python -m autovoice.studies.diarisation")
    parser.add_argument("manifest", type=Path, metavar="MANIFEST.csv")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--split", default="dev", metavar="NAME")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first conversation (default: 0)")
    parser.add_argument("--conversations", type=int, default=20, metavar="N")
    parser.add_argument("--distance", type=float, nargs="+", default=[MAX_DISTANCE], metavar="D")
    args = parser.parse_args(argv)
    try:
        rows = measure(args.manifest, args.split, range(args.first, args.first + args.conversations), args.distance)
        write_json(args.out / "diarisation.json", rows)
    except AutovoiceError as error:
        print(f"diarisation: {error.sentence}", file=sys.stderr)
        return 2
    for distance in args.distance:
        own = [row for row in rows if row["distance"] == distance]
        right = sum(row["found"] == row["people"] for row in own)
        means = {key: float(np.mean([row[key] for row in own])) for key in ("der", "missed", "false_alarm", "confused")}
        print(
            f"{distance:.2f}: {right} of {len(own)} numbers right, "
            + ", ".join(f"{k} {v:.3f}" for k, v in means.items())
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
