"""Stage gather: synthetic voices that the corpus is extended by (pretrain.synthetic_s each); recordings that exist are kept."""

from pathlib import Path

from autovoice.config import Config
from autovoice.data.synthetic import gather
from autovoice.stage import run_stage


def main(cfg: Config) -> dict[str, float]:
    p = cfg.pretrain
    rows = gather(Path(p.work_dir) / "gathered", p.synthetic_s, p.synthetic_blends, cfg.seed, p.num_threads)
    return {"speakers": float(len({row.speaker for row in rows})), "hours": sum(row.seconds for row in rows) / 3600}


if __name__ == "__main__":
    run_stage("gather", main, uses=("seed", "pretrain"))
