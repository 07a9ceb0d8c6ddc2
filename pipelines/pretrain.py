"""The base model's own pipeline: features of a corpus of many people, then training; resumable, not part of `dvc repro`.

python -m pipelines.pretrain pretrain.manifest=corpus/manifest.csv pretrain.root=corpus
"""

from pathlib import Path

from autovoice.config import Config
from autovoice.errors import ConfigError
from autovoice.stage import run_stage
from autovoice.training.corpus import extract_corpus, read_corpus
from autovoice.training.pretrain import pretrain


def main(cfg: Config) -> dict[str, float]:
    p = cfg.pretrain
    if not p.manifest or not Path(p.manifest).is_file():
        raise ConfigError(
            "no corpus manifest",
            f"pretrain.manifest={p.manifest}",
            "name a CSV with path, speaker, gender, split, kind",
        )
    recordings = read_corpus(Path(p.manifest), "train")
    extract_corpus(recordings, Path(p.root), Path(p.work_dir) / "features", cfg.content, cfg.audio, p.num_threads)
    weights = pretrain(cfg)
    return {"recordings": float(len(recordings)), "size_mb": weights.stat().st_size / 1e6}


if __name__ == "__main__":
    run_stage("pretrain", main, uses=("seed", "audio", "content", "model", "pretrain"))
