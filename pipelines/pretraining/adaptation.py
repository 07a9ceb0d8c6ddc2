"""Stage adaptation: how like readers of pretrain.manifest adapted voices sound, against seconds of them and steps.

python -m pipelines.pretraining.adaptation pretrain.manifest=corpus/manifest.csv pretrain.root=corpus
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from autovoice.config import Config, TrainerConfig
from autovoice.files import write_text
from autovoice.models.content import load_content_encoder
from autovoice.stage import run_stage
from autovoice.studies.adaptation import METRICS, Adapt, AdaptationStudy, Adapted
from autovoice.studies.adaptation_report import chosen, markdown, mean, plot
from autovoice.training.adapt import adapt_recordings
from autovoice.training.corpus import manifest_of
from autovoice.voice import VoiceProfile

USES = (
    "seed", "audio", "content", "model", "optim", "trainer", "presets", "evaluate", "pretrain", "adaptation_study",
)  # fmt: skip


def adapter(cfg: Config, base: Path) -> Adapt:
    """Adapts `base` as `autovoice adapt` does."""
    encoder = load_content_encoder(cfg.content)

    def adapt(voice: VoiceProfile, wavs: list[np.ndarray], trainer: TrainerConfig, work: Path) -> Adapted:
        result = adapt_recordings(voice, wavs, replace(cfg, trainer=trainer), encoder, work, base)
        return Adapted({int(p.stem): p for p in sorted((work / "candidates").glob("*.safetensors"))}, result.step)

    return adapt


def main(cfg: Config) -> dict[str, float]:
    manifest_of(cfg.pretrain)
    config, console = Config(**{name: getattr(cfg, name) for name in USES}), Console(width=200)
    out = Path(cfg.pretrain.work_dir) / "adaptation"
    study = AdaptationStudy(config, out)
    rows = study.run(adapter(config, study.weights), console.print)
    table = markdown(rows, cfg.evaluate, cfg.seed)
    write_text(out / "summary.md", table)
    plot(rows, out / "adaptation.png")
    console.print(table)
    return {name: mean(chosen(rows), name) for name in METRICS}


if __name__ == "__main__":
    run_stage("adaptation", main, uses=USES)
