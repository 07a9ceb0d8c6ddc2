"""Stage recipe: which recordings train the base model, each also as its pseudo-speaker's; hours, people, licences."""

import csv
from collections import defaultdict
from pathlib import Path

from autovoice.config import Config
from autovoice.files import write_json
from autovoice.stage import run_stage
from autovoice.training.corpus import manifest_of, pseudo_speakers, read_corpus, write_recipe


def totals(*manifests: Path) -> dict[str, dict[str, dict[str, float]]]:
    """column -> value -> people and hours, of the training speech in the manifests."""
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    people: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows = []
    for manifest in manifests:
        with manifest.open(encoding="utf-8", newline="") as stream:
            rows += [row for row in csv.DictReader(stream) if row["split"] == "train" and row["kind"] == "speech"]
    for row in rows:
        for column in ("licence", "source", "lang", "gender"):
            value = row.get(column) or "not stated"
            seconds[column][value] += float(row.get("seconds") or 0)
            people[column][value].add(row["speaker"])
    return {
        column: {v: {"people": len(people[column][v]), "hours": round(s / 3600, 3)} for v, s in sorted(own.items())}
        for column, own in seconds.items()
    }


def main(cfg: Config) -> dict[str, float]:
    manifest, work = manifest_of(cfg.pretrain), Path(cfg.pretrain.work_dir)
    gathered = work / "gathered" / "manifest.csv"
    added = [gathered] if gathered.is_file() else []  # the synthetic voices may be left out
    recordings = read_corpus(manifest, "train")
    for more in added:
        recordings += read_corpus(more, "train", more.parent)
    write_recipe(recordings + pseudo_speakers(recordings), work / "recipe.csv")
    counts = {"recordings": len(recordings), "speakers": len({r.speaker for r in recordings})}
    write_json(work / "recipe.json", {**counts, **totals(manifest, *added)})
    return {name: float(n) for name, n in counts.items()}


if __name__ == "__main__":
    run_stage("recipe", main, uses=("pretrain",))
