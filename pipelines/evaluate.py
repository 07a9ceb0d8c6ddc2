"""Stage evaluate: every conversion measured, with floors, ceilings and intervals; the report."""

from typing import Any

import lightning as L
from rich.console import Console

from autovoice.config import Config
from autovoice.data_layout import CONVERTED, METRICS
from autovoice.evaluation.run import evaluate, summary_table
from autovoice.stage import run_stage
from autovoice.training.batch import Jobs, test


class EvaluationModule(L.LightningModule):
    """The evaluation as one step of Trainer.test: the pairs' own process pool does the work."""

    def __init__(self, cfg: Config) -> None:
        super().__init__()
        self.cfg = cfg
        self.summary: dict[str, Any] = {}

    def test_step(self, job: object, batch_idx: int) -> None:
        self.summary = evaluate(CONVERTED / "pairs.csv", METRICS, self.cfg.evaluate, self.cfg.seed)


def main(cfg: Config) -> dict[str, float]:
    module = EvaluationModule(cfg)
    test(module, Jobs([None]))
    Console(width=200).print(summary_table(module.summary))
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
