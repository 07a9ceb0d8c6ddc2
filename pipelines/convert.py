"""Stage convert: held-out sentences of every speaker, into every other voice, with every preset; and copies for fidelity."""

import csv
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import lightning as L
import torch

from autovoice.audio.io import load_wav, save_wav
from autovoice.config import Config, PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.data.manifest import Segment, read_manifest
from autovoice.data_layout import ADAPTED, CONVERTED, PREPARED, VOICES
from autovoice.files import replacing
from autovoice.stage import run_stage
from autovoice.training.batch import Jobs, predict
from autovoice.voice import VoiceProfile
from autovoice.watermark import marked

MAX_REFERENCES = 8  # recordings of the target that a result is compared with


class ConvertModule(L.LightningModule):
    """Converts one job a step and writes the file."""

    def __init__(self, converter: VoiceConverter, seed: int) -> None:
        super().__init__()
        self.converter, self.seed = converter, seed

    def predict_step(self, job: dict[str, Any], batch_idx: int) -> float:
        """Returns the real-time factor: seconds used over seconds of audio, with analysis, without file access."""
        wav = load_wav(job["source"], self.converter.audio.sample_rate)
        started = time.perf_counter()
        out = self.converter.convert(wav, job["voice"], job["preset"], job["pitch"], self.seed)
        rtf = (time.perf_counter() - started) / (len(wav) / self.converter.audio.sample_rate)
        rate = self.converter.audio.output_rate
        save_wav(job["out"], marked(out, rate, job["voice"].payload), rate)
        return rtf


def chosen_sources(segments: list[Segment], min_s: float, most: int) -> list[Segment]:
    """Held-out sentences of at least min_s, English first (the recogniser hears English), each speaker in turn."""
    held_out = [s for s in segments if s.split == "eval" and s.duration_s >= min_s]
    turns: dict[str, int] = defaultdict(int)
    order = []
    for segment in sorted(held_out, key=lambda s: s.segment_id):
        order.append((segment.lang != "en", turns[segment.speaker], segment.segment_id, segment))
        turns[segment.speaker] += 1
    return [segment for *_, segment in sorted(order, key=lambda row: row[:3])][:most]


def references(segments: list[Segment], speaker: str, split: str) -> str:
    own = [s for s in segments if s.speaker == speaker and s.split == split]
    return "|".join(f"../prepared/{s.path}" for s in own[:MAX_REFERENCES])


def jobs_for(
    segments: list[Segment], voices: dict[str, VoiceProfile], presets: dict[str, PresetConfig], sources: list[Segment]
) -> list[dict[str, Any]]:
    """A job a row of pairs.csv."""
    jobs = []
    for target, voice in voices.items():
        mode = "adapted" if voice.adapted else "zero-shot"
        pairs = [(s, "conversion", f"{mode}/{{}}", "auto") for s in sources if s.speaker != target]
        own = [s for s in segments if s.speaker == target and s.split == "eval"]
        copies = [(s, "copy", f"copy-{mode}/{{}}", 0.0) for s in own[:2]]
        for name, preset in presets.items():
            for source, kind, system, pitch in pairs + (copies if name == "balanced" else []):
                out = Path("wav") / name / target / f"{kind}_{source.segment_id}.wav"
                row = {
                    "source": f"../prepared/{source.path}",
                    "target_refs": references(segments, target, "train"),
                    "ceiling_refs": references(segments, target, "eval"),
                    "converted": str(out),
                    "system": system.format(name),
                    "text": source.text,
                    "lang": source.lang,
                    "source_speaker": source.speaker,
                    "target_speaker": target,
                    "sex": source.sex,
                    "preset": name,
                    "kind": kind,
                }
                job = {"row": row, "source": PREPARED / source.path, "out": CONVERTED / out}
                jobs.append(job | {"voice": voice, "preset": preset, "pitch": pitch})
    return jobs


def main(cfg: Config) -> dict[str, float]:
    torch.set_num_threads(2)
    segments = read_manifest(PREPARED / "manifest.csv")
    voices = {speaker: VoiceProfile.load(VOICES / speaker) for speaker in sorted({s.speaker for s in segments})}
    for speaker, voice in voices.items():
        weights = ADAPTED / speaker / "weights.safetensors"
        voice.adapted = weights if weights.exists() else None
    sources = chosen_sources(segments, cfg.convert.source_min_s, cfg.convert.max_sources)
    jobs = jobs_for(segments, voices, cfg.presets, sources)
    converter = VoiceConverter("cpu", audio=cfg.audio, content=cfg.content)
    rtfs = predict(ConvertModule(converter, cfg.seed), Jobs(jobs))
    rows = [job["row"] | {"rtf": f"{rtf:.5f}"} for job, rtf in zip(jobs, rtfs, strict=True)]
    with replacing(CONVERTED / "pairs.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return {"conversions": float(len(rows)), "mean_rtf": sum(rtfs) / len(rtfs)}


if __name__ == "__main__":
    run_stage("convert", main, uses=("seed", "audio", "content", "presets", "convert"))
