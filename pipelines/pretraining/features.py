"""Stage features of pretraining: a feature file a recording of the recipe; those that exist are kept."""

from pathlib import Path

from autovoice.config import Config
from autovoice.stage import run_stage
from autovoice.training.corpus import extract_corpus, read_recipe


def main(cfg: Config) -> dict[str, float]:
    p, work = cfg.pretrain, Path(cfg.pretrain.work_dir)
    recordings = read_recipe(work / "recipe.csv")
    extract_corpus(recordings, Path(p.root), work / "features", cfg.content, cfg.audio, p.num_threads)
    return {"files": float(len(recordings))}


if __name__ == "__main__":
    run_stage("features", main, uses=("audio", "content", "pretrain"))
