"""Stage verify: pretrained weights by the protocol that params.yaml names (zero-shot), on people whom training never heard.

python -m pipelines.pretraining.verify pretrain.manifest=corpus/manifest.csv pretrain.root=corpus protocol.half=choose
"""

from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from autovoice.config import Config
from autovoice.evaluation.overlap import base_trained
from autovoice.evaluation.protocol import run_protocol
from autovoice.evaluation.run import means_of, summary_table
from autovoice.stage import run_stage
from autovoice.training.corpus import check_features, read_recipe


def main(cfg: Config) -> dict[str, float]:
    p, console = cfg.pretrain, Console(width=200)
    torch.set_num_threads(p.num_threads)
    work, root = Path(p.work_dir), Path(p.root)
    if not cfg.protocol.weights:  # else of another training
        check_features(work / "features", cfg.content, cfg.audio)
    trained = base_trained((r.speaker, root / r.path) for r in read_recipe(work / "recipe.csv") if r.ratio == 1)
    weights = cfg.protocol.weights or str(work / "base.safetensors")
    protocol = replace(cfg.protocol, manifest=p.manifest, root=str(root), weights=weights)
    summary = run_protocol(cfg, protocol, work / "verify" / protocol.half, trained, console.print)
    console.print(summary_table(summary))
    return means_of(summary)


if __name__ == "__main__":
    run_stage("verify", main, uses=("seed", "audio", "content", "presets", "evaluate", "protocol", "pretrain"))
