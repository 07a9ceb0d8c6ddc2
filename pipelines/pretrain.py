"""Stage pretrain: the base generator learns from the recipe's features; resumes from the last checkpoint.

Its pipeline is pretraining/dvc.yaml; by hand: python -m pipelines.pretrain pretrain.max_steps=20000
"""

from pathlib import Path

from autovoice.config import Config
from autovoice.stage import run_stage
from autovoice.training.corpus import read_recipe, some_speakers
from autovoice.training.pretrain import pretrain


def main(cfg: Config) -> dict[str, float]:
    recipe = read_recipe(Path(cfg.pretrain.work_dir) / "recipe.csv")
    recordings = some_speakers(recipe, cfg.pretrain.max_speakers, cfg.seed)
    weights = pretrain(cfg, recordings)
    return {"recordings": float(len(recordings)), "size_mb": weights.stat().st_size / 1e6}


if __name__ == "__main__":
    run_stage("pretrain", main, uses=("seed", "audio", "content", "model", "pretrain"))
