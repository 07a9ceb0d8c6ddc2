"""Stage distil: the causal student learns the large content encoder's features; resumes from the last checkpoint."""

from pathlib import Path

from autovoice.config import Config
from autovoice.stage import run_stage
from autovoice.training.corpus import check_features, read_recipe
from autovoice.training.distill import distil
from autovoice.training.pretrain import group_by_speaker


def main(cfg: Config) -> dict[str, float]:
    work = Path(cfg.pretrain.work_dir)
    check_features(work / "features", cfg.content, cfg.audio)
    groups, weights = group_by_speaker(read_recipe(work / "recipe.csv"), work / "features", cfg.pretrain)
    student = distil(cfg, groups, weights)
    return {"size_mb": student.stat().st_size / 1e6}


if __name__ == "__main__":
    run_stage("distil", main, uses=("seed", "audio", "content", "distill", "pretrain"))
