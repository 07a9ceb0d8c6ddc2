"""Stage evaluate: every conversion measured, with floors, ceilings and intervals; the report."""

from typing import Any

import lightning as L
from rich.console import Console

from autovoice import tracking
from autovoice.config import Config
from autovoice.data.manifest import read_manifest
from autovoice.data_layout import CONVERTED, METRICS, PREPARED
from autovoice.evaluation.items import audio_sha, read_items
from autovoice.evaluation.overlap import Trained, read_training
from autovoice.evaluation.run import evaluate, summary_table
from autovoice.stage import run_stage
from autovoice.training.batch import Jobs, test
from autovoice.weights import BASE_TRAINING


def trained_on() -> list[Trained]:
    """Whom the base model was trained on, and the recordings that voices were adapted on or chosen by."""
    used = [segment for segment in read_manifest(PREPARED / "manifest.csv") if segment.split != "eval"]
    adapted = [Trained(s.speaker, audio_sha(PREPARED / s.path), "adaptation") for s in used]
    return read_training(BASE_TRAINING) + adapted


class EvaluationModule(L.LightningModule):
    """The evaluation as one step of Trainer.test: the pairs' own process pool does the work."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        self.summary: dict[str, Any] = {}

    def test_step(self, job: object, batch_idx: int) -> None:
        table, cfg = CONVERTED / "pairs.csv", self.cfg
        self.summary = evaluate(table, METRICS, cfg.evaluate, cfg.seed, trained=trained_on())


def main(cfg: Config) -> dict[str, float]:
    module = EvaluationModule(cfg)
    test(module, Jobs([None]))
    Console(width=200).print(summary_table(module.summary))
    items = [item.who | item.values for item in read_items(METRICS / "pairs.csv")]
    tracking.log_table("pairs", {name: [item[name] for item in items] for name in items[0]})
    means = {
        f"{system}/{metric}": value["mean"]
        for system, metrics in module.summary["systems"].items()
        for metric, value in metrics.items()
        if value["mean"] is not None
    }
    return means


if __name__ == "__main__":
    artifacts = (
        "data/metrics/report.html",
        "data/metrics/summary.json",
        "data/metrics/pairs.csv",
        "data/metrics/plots/*",
    )
    run_stage("evaluate", main, uses=("seed", "evaluate"), artifacts=artifacts)
