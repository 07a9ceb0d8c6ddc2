"""Stage prepare: recordings are validated, levelled, cut and split; what is wrong with them is said."""

from rich.console import Console

from autovoice.config import Config
from autovoice.data.prepare import prepare
from autovoice.data.report import problem_table, summary_table
from autovoice.data_layout import PREPARED
from autovoice.stage import run_stage


def main(cfg: Config) -> dict[str, float]:
    checks, segments = prepare(cfg.dataset, cfg.audio, cfg.seed, PREPARED)
    console = Console()
    console.print(summary_table(checks, segments))
    if any(check.status != "ok" for check in checks):
        console.print(problem_table(checks))
    left_out = sum(check.status == "left out" for check in checks)
    return {"files": float(len(checks)), "left_out": float(left_out), "segments": float(len(segments))}


if __name__ == "__main__":
    run_stage("prepare", main, uses=("seed", "audio", "dataset"), artifacts=("data/prepared/report.html",))
