"""Stage gate: green, or exit code 1 with a table of what fell; runs after the report is written."""

from pathlib import Path

from rich.console import Console

from autovoice.config import Config
from autovoice.data_layout import GATE, METRICS
from autovoice.evaluation.gate import judge_folder
from autovoice.evaluation.verdict import verdict_table
from autovoice.files import write_json
from autovoice.stage import run_stage

BASELINE = Path("metrics/baseline.json")


def main(cfg: Config) -> dict[str, float]:
    verdict = judge_folder(METRICS, BASELINE, cfg.gate, own=True)
    write_json(GATE / "verdict.json", verdict.as_json())
    Console(width=160).print(verdict_table(verdict), *verdict.notes, sep="\n")
    if not verdict.green:
        raise SystemExit(1)
    return {"checks": float(verdict.n_checks), "faults": float(len(verdict.faults))}


if __name__ == "__main__":
    run_stage("gate", main, uses=("gate",), artifacts=("data/gate/verdict.json",))
