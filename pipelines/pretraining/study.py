"""Stage study: pretraining variants that differ in one thing, measured alike; a killed study goes on where it was.

python -m pipelines.pretraining.study study=ablation pretrain.manifest=corpus/manifest.csv pretrain.root=corpus
"""

from pathlib import Path

import torch
from rich.console import Console

from autovoice.config import Config
from autovoice.files import write_text
from autovoice.stage import run_stage
from autovoice.studies.paired import rows_of
from autovoice.studies.report import changes, markdown, plot
from autovoice.studies.variants import run_study
from autovoice.training.corpus import manifest_of, read_recipe

USES = ("seed", "audio", "content", "model", "presets", "evaluate", "protocol", "pretrain", "study")


def main(cfg: Config) -> dict[str, float]:
    console = Console(width=200)
    manifest_of(cfg.pretrain)  # it is needed after the first training only: said before
    torch.set_num_threads(cfg.pretrain.num_threads)
    config, work = Config(**{name: getattr(cfg, name) for name in USES}), Path(cfg.pretrain.work_dir)
    variants = run_study(config, read_recipe(work / "recipe.csv"), console.print)
    rows = rows_of(variants, cfg.evaluate, cfg.seed)
    out = work / "studies" / cfg.study.name
    text = "\n".join(part for part in (markdown(rows), changes(rows)) if part)
    write_text(out.with_suffix(".md"), text)
    plot(rows, cfg.study.axis, out.with_suffix(".png"))
    console.print(text)
    return {f"{row['name']}/{key}": row[key]["mean"] for row in rows for key in ("secs", "campp") if row[key]}


if __name__ == "__main__":
    run_stage("study", main, uses=USES)
