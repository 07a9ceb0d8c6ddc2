"""The metrics are usable alone: `pip install autovoice[metrics]` brings no pipeline, and none of it is imported."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from audio_files import ROOT

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
PROGRAM = """
import importlib, pkgutil, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ImportError(f"{{name}} is not installed")
sys.meta_path.insert(0, Absent())
import numpy as np
import autovoice.metrics
names = [module.name for module in pkgutil.iter_modules(autovoice.metrics.__path__)]
for name in names:
    importlib.import_module(f"autovoice.metrics.{{name}}")
from autovoice.metrics.f0_tracker import track_f0
from autovoice.metrics.pitch import estimate_shift_st
from autovoice.metrics.secs import secs_embedding
from autovoice.metrics.speaker import cosine
t = np.arange(16000) / 16000
low, high = (sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, 9)).astype(np.float32) * 0.1 for hz in (200, 212))
print(len(names), round(estimate_shift_st(track_f0(low), track_f0(high)), 2), cosine(secs_embedding(low), secs_embedding(low)))
"""


PIPELINE = {"lightning": "lightning", "hydra-core": "hydra", "dvc": "dvc", "mlflow": "mlflow"}  # package -> module


def test_every_metric_imports_and_works_without_the_pipeline(tmp_path: Path) -> None:
    brought = {re.split(r"[<>=\[]", line)[0] for line in EXTRAS["metrics"]}
    assert not brought & PIPELINE.keys()
    program = PROGRAM.format(absent=[*PIPELINE.values(), "omegaconf"])
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    n, shift_st, same = run.stdout.split()
    assert int(n) >= 15
    assert abs(float(shift_st) - 1.0) < 0.02  # 212 Hz over 200 Hz are 1.01 semitones
    assert abs(float(same) - 1.0) < 1e-5
