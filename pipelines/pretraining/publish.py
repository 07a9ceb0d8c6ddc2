"""Stage publish: the weights, whom they were trained on, what they were measured at and their SHA-256 in one folder, ready
for src/autovoice/weights."""

import shutil
from pathlib import Path

from autovoice.config import Config
from autovoice.errors import DataError
from autovoice.evaluation.overlap import base_trained, write_training
from autovoice.export.card import base_card
from autovoice.files import read_json, sha256_file, write_json, write_text
from autovoice.stage import run_stage
from autovoice.training.callbacks import read_history
from autovoice.training.corpus import read_recipe

WEIGHTS = ("base.safetensors", "student.safetensors")


def main(cfg: Config) -> dict[str, float]:
    work = Path(cfg.pretrain.work_dir)
    summary = work / "verify" / "measure" / "metrics" / "summary.json"
    if not summary.is_file():
        raise DataError("was not measured", str(work), "run the verify stage with protocol.half=measure")
    out = work / "published"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    found = [name for name in WEIGHTS if (work / name).is_file()]
    for name in found:
        shutil.copyfile(work / name, out / name)
    root, recordings = Path(cfg.pretrain.root), read_recipe(work / "recipe.csv")
    trained = base_trained((r.speaker, root / r.path) for r in recordings if r.ratio == 1)
    write_training(out / "base_training.csv", trained)  # so that an evaluation can refuse who is in it
    history = read_history(work / "history.csv")
    write_text(
        out / "MODEL_CARD.md",
        base_card(
            cfg,
            read_json(work / "recipe.json", "python -m pipelines.pretraining.recipe"),
            history,
            read_json(summary, "python -m pipelines.pretraining.verify"),
        ),
    )
    write_json(out / "manifest.json", {path.name: sha256_file(path) for path in sorted(out.iterdir())})
    return {"size_mb": sum((out / name).stat().st_size for name in found) / 1e6}


if __name__ == "__main__":
    run_stage("publish", main, uses=("seed", "audio", "content", "model", "pretrain"))
