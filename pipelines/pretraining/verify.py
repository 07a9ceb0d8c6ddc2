"""Measures base weights zero-shot on people of the corpus whom training never heard: copy synthesis and conversion.

python -m pipelines.verify pretrain.manifest=corpus/manifest.csv pretrain.root=corpus verify.weights=base.safetensors
"""

import csv
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track

from autovoice.audio.io import load_wav
from autovoice.config import Config
from autovoice.convert import VoiceConverter
from autovoice.errors import ConfigError
from autovoice.evaluation.protocol import Trial, read_people, zero_shot_trials
from autovoice.evaluation.run import evaluate, summary_table
from autovoice.stage import run_stage
from autovoice.voice import VoiceProfile, clone_voice
from autovoice.weights import BASE_GENERATOR


def convert_trials(trials: list[Trial], converter: VoiceConverter, cfg: Config, out: Path) -> None:
    """Writes out/wav and out/pairs.csv: each trial with each preset, and each target's ceiling in its own voice."""
    rate, rows = converter.audio.output_rate, []
    voices: dict[str, VoiceProfile] = {}
    for trial in track(trials, "converting"):
        target = trial.target_person.name
        first = target not in voices
        if first:
            voices[target] = clone_voice(
                target, [load_wav(trial.reference, rate)], encoder=converter.encoder, audio=converter.audio
            )
        for preset in cfg.verify.presets:
            jobs = [(trial.source, trial.source_person.name, "conversion", f"zero-shot/{preset}")]
            jobs += [(trial.ceiling, target, "copy", f"copy/{preset}")] if first else []
            for source, speaker, kind, system in jobs:
                converted = out / "wav" / preset / target / f"{kind}_{speaker}.wav"
                pitch = 0.0 if kind == "copy" else "auto"
                stats = converter.convert_file(source, converted, voices[target], cfg.presets[preset], pitch)  # type: ignore[arg-type]
                sexes = "same" if trial.source_person.gender == trial.target_person.gender else "cross"
                rows.append(
                    {
                        "source": source.resolve(),
                        "target_refs": trial.reference.resolve(),
                        "ceiling_refs": trial.ceiling.resolve(),
                        "converted": converted.resolve(),
                        "system": system,
                        "lang": trial.source_person.lang if kind == "conversion" else trial.target_person.lang,
                        "source_speaker": speaker,
                        "target_speaker": target,
                        "sex": sexes,
                        "preset": preset,
                        "kind": kind,
                        "rtf": f"{stats.rtf:.5f}",
                    }
                )
    with (out / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main(cfg: Config) -> dict[str, float]:
    p, v = cfg.pretrain, cfg.verify
    if not Path(p.manifest).is_file():
        raise ConfigError("no corpus manifest", f"pretrain.manifest={p.manifest}", "name the CSV of the corpus")
    torch.set_num_threads(p.num_threads)
    work = Path(p.work_dir) / "verify" / v.half
    weights = Path(v.weights) if v.weights else BASE_GENERATOR
    converter = VoiceConverter("cpu", weights=weights, audio=cfg.audio, content=cfg.content)
    people = read_people(Path(p.manifest), Path(p.root), "dev")
    trials = zero_shot_trials(people, v.half, v.n_pairs, cfg.seed, work / "speech", cfg.audio.output_rate)  # type: ignore[arg-type]
    convert_trials(trials, converter, cfg, work)
    summary = evaluate(work / "pairs.csv", work / "metrics", cfg.evaluate, cfg.seed)
    Console(width=200).print(summary_table(summary))
    return {
        f"{s}/{m}": x["mean"] for s, ms in summary["systems"].items() for m, x in ms.items() if x["mean"] is not None
    }


if __name__ == "__main__":
    run_stage("verify", main, uses=("seed", "audio", "content", "presets", "evaluate", "pretrain", "verify"))
