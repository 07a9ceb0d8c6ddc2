"""Processes that fill numba's empty cache at the same time: none crashes, and none that reads it later does."""

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
from autovoice.librosa_alone import librosa
tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(16000) / 16000).astype(np.float32)
print(float(librosa.feature.chroma_cqt(y=tone, sr=16000).sum()))
"""


def test_processes_that_start_at_once_leave_a_sound_cache(tmp_path) -> None:
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PROGRAM]
    at_once = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = [(process.communicate()[0], process.returncode) for process in at_once]
    after = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert {*printed, (after.stdout, after.returncode)} == {(after.stdout, 0)}
    assert list(tmp_path.rglob("*.nbi"))  # it is this cache that they read
