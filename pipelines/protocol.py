"""Stage protocol: the conversions of an evaluation protocol, drawn from a manifest of people whom training never heard.

python -m pipelines.protocol protocol=seedvc protocol.manifest=corpus/manifest.csv protocol.root=corpus
"""

from pathlib import Path

import torch
from rich.console import Console

from autovoice.config import Config
from autovoice.errors import ConfigError
from autovoice.evaluation.overlap import Trained, read_training_list
from autovoice.evaluation.protocol import run_protocol
from autovoice.evaluation.run import means_of, summary_table
from autovoice.stage import run_stage
from autovoice.weights import BASE_TRAINING


def trained_on(weights: str, training: str) -> list[Trained]:
    """The training list of the weights; raises ConfigError for weights of one's own without it."""
    if weights and not training:
        remedy = "name the CSV of whom these weights were trained on"
        raise ConfigError("is empty", f"protocol.training, with protocol.weights={weights}", remedy)
    return read_training_list(Path(training) if training else BASE_TRAINING)


def main(cfg: Config) -> dict[str, float]:
    p, console = cfg.protocol, Console(width=200)
    torch.set_num_threads(2)
    summary = run_protocol(cfg, p, Path(p.work_dir) / p.name, trained_on(p.weights, p.training), console.print)
    console.print(summary_table(summary))
    return means_of(summary)


if __name__ == "__main__":
    run_stage("protocol", main, uses=("seed", "audio", "content", "presets", "evaluate", "protocol", "tts"))
