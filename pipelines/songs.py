"""Stage songs: mixtures of clean vocals and a band at known levels, converted whole and measured against their truth.

python -m pipelines.songs protocol.manifest=corpus/manifest.csv protocol.root=corpus    # its singers; else synthetic ones
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import torch
from rich.console import Console

from autovoice.audio.io import load_wav
from autovoice.config import Config
from autovoice.convert import VoiceConverter
from autovoice.evaluation.people import read_people
from autovoice.evaluation.statistics import interval
from autovoice.files import replacing, write_csv, write_json
from autovoice.song.convert import SongOptions, convert_song
from autovoice.song.truth import measured, mixed, recorded, scores
from autovoice.stage import run_stage
from autovoice.voice import clone_voice

PRESET, TARGET = "balanced", "carlo"  # a reader of the demo
DEMO, REFERENCE_S = Path("data/raw/demo"), 12.0


def vocals(cfg: Config) -> Iterator[tuple[str, np.ndarray]]:
    """(name, clean vocal): everyone's first recording before anyone's second; songs of arithmetic without a manifest."""
    if not cfg.protocol.manifest:
        yield from scores()
        return
    manifest = Path(cfg.protocol.manifest)
    root = Path(cfg.protocol.root) if cfg.protocol.root else manifest.parent
    people = read_people(manifest, root, "eval", "singing")
    turns = max(len(person.paths) for person in people)
    for turn in range(turns):
        for person in people:
            if turn < len(person.paths):
                yield f"{person.file_name}_{turn}", recorded(person.paths[turn])


def main(cfg: Config) -> dict[str, float]:
    song, work = cfg.song, Path(cfg.song.work_dir)
    torch.set_num_threads(2)
    converter = VoiceConverter("cpu", audio=cfg.audio, content=cfg.content)
    reference = np.concatenate([load_wav(p, cfg.audio.output_rate) for p in sorted((DEMO / TARGET).glob("*.flac"))])
    voice = clone_voice(TARGET, [reference[: int(REFERENCE_S * cfg.audio.output_rate)]], networks=converter.networks)
    rows: list[dict[str, Any]] = []
    for (name, vocal), _ in zip(vocals(cfg), range(song.max_songs), strict=False):
        for level_db in song.mixture_db:
            mixture, stem = mixed(vocal, level_db, cfg.seed), f"{name}_{level_db:+g}"
            source, result = work / f"{stem}.wav", work / f"{stem}_converted.wav"
            with replacing(source) as temporary:
                sf.write(temporary, mixture.song, 44100, "FLOAT", format="WAV")
            options = SongOptions(keep_stems=True, seed=cfg.seed)
            stats = convert_song(source, result, voice, converter, cfg.presets[PRESET], song, options)
            rows.append({"song": name, "mixture_db": level_db, **measured(mixture, result, stats)})
    write_csv(work / "songs.csv", list(rows[0]), rows)
    return _summary(rows, work, cfg)


def _summary(rows: Sequence[dict[str, Any]], work: Path, cfg: Config) -> dict[str, float]:
    """Means by level of the mixture, with their intervals over songs; written and shown."""
    summary: dict[str, dict[str, Any]] = {}
    for level_db in sorted({row["mixture_db"] for row in rows}):
        own = [row for row in rows if row["mixture_db"] == level_db]
        summary[f"{level_db:g}_db"] = {
            name: _mean([row[name] for row in own], [row["song"] for row in own], cfg)
            for name in rows[0]
            if name not in ("song", "mixture_db")
        }
    write_json(work / "summary.json", summary)
    console = Console(width=200)
    for level, metrics in summary.items():
        console.print(level, {name: round(m["mean"], 3) for name, m in metrics.items() if m["mean"] is not None})
    return {f"{level}/{name}": m["mean"] for level, all_ in summary.items() for name, m in all_.items() if m["n"]}


def _mean(values: Sequence[float], songs: Sequence[str], cfg: Config) -> dict[str, Any]:
    """Mean, interval and n of what could be measured; n_failed of what could not."""
    good = [(value, song) for value, song in zip(values, songs, strict=True) if np.isfinite(value)]
    if not good:
        return {"mean": None, "median": None, "n": 0, "n_failed": len(values)}
    found = [value for value, _ in good]
    how = (cfg.evaluate.n_bootstrap, cfg.evaluate.confidence, cfg.seed)
    mean, low, high = interval(found, [song for _, song in good], *how)
    facts = {"mean": mean, "median": float(np.median(found)), "interval": [low, high]}
    return facts | {"n": len(found), "n_failed": len(values) - len(found)}


if __name__ == "__main__":
    run_stage("songs", main, uses=("seed", "audio", "content", "presets", "evaluate", "protocol", "song"))
