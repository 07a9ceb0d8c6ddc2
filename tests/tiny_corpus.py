"""A corpus of the demo's recordings under made-up names, and settings under which its pretraining and protocols take minutes."""

import csv
from pathlib import Path

import soundfile as sf
from audio_files import RATE, speech

from autovoice.evaluation.people import Half, Person

SETTINGS = """# @package _global_
model: {dim: 16, n_content_blocks: 1, n_blocks: 1, bottleneck: 8, n_heads: 2}
pretrain:
  {synthetic_s: 0.0, max_steps: 2, checkpoint_every_steps: 1, adversarial_from_step: 1, batch_size: 2, segment_s: 0.64,
   reference_s: 1.0, reference_max_s: 1.0, warmup_steps: 1, num_threads: 1}
protocol:
  {n_pairs: 2, n_sources: 2, n_references: 2, reference_s: [5.0], presets: [balanced], metrics: [secs, duration],
   manifest: corpus/manifest.csv, root: corpus, training: corpus/training.csv}
evaluate: {anchors: [], num_workers: 1, n_bootstrap: 50}
song: {max_songs: 1, mixture_db: [0.0]}
"""
COLUMNS = ("path", "speaker", "gender", "split", "kind", "lang", "seconds", "licence", "source")
TRAINED, HEARD = ("nikolay", "carlo"), ("allison", "narrator", "june")
SECONDS = 30.0


def named(reader: str, half: Half) -> str:
    """A name for the reader that hashes into a half."""
    return next(name for name in (f"{reader}{i}" for i in range(99)) if Person(name, "", "", []).half == half)


def write_corpus(folder: Path) -> None:
    """folder/manifest.csv: two people who train, three of each half whom training never heard, and a singer.

    folder/training.csv says who trained: what a protocol measures may not be among them, but for the targets of `seen`.
    """
    folder.mkdir()
    people = [(reader, named(reader, "measure"), "train", "speech") for reader in TRAINED]
    people += [(reader, named(reader, half), "dev", "speech") for half in ("measure", "choose") for reader in HEARD]
    people += [("ivrvoice", "singer", "eval", "singing")]
    rows = []
    for reader, name, split, kind in people:
        for part in range(2):
            path = folder / f"{name}_{part}.flac"
            sf.write(path, speech(reader, SECONDS / 2, part * SECONDS / 2), RATE)
            gender = "F" if reader in ("allison", "june", "ivrvoice") else "M"
            rows.append((path.name, name, gender, split, kind, "en", SECONDS / 2, "CC BY", "demo"))
    write_table(folder / "manifest.csv", COLUMNS, rows)
    write_table(
        folder / "training.csv", ("speaker", "sha", "use"), [(row[1], "", "base") for row in rows[: 2 * len(TRAINED)]]
    )


def write_table(path: Path, columns: tuple[str, ...], rows: list[tuple]) -> None:
    """A CSV with a header."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
