"""A killed evaluation continues: what was measured before is read, and the result is that of an unbroken one."""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile as sf
from audio_files import RATE, speech

N = 12


def table(folder: Path) -> Path:
    """N conversions by copy-through, each of another stretch of speech."""
    with (folder / "pairs.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("source", "target_refs", "converted"))
        sf.write(folder / "target.wav", speech("carlo", 4.0), RATE)
        for i in range(N):
            for name, gain in (("source", 1.0), ("converted", 0.9)):
                sf.write(folder / f"{name}{i}.wav", gain * speech("allison", 2.0, 2.0 * i), RATE)
            writer.writerow((f"source{i}.wav", "target.wav", f"converted{i}.wav"))
    return folder / "pairs.csv"


@pytest.mark.slow
def test_an_evaluation_that_was_killed_measures_only_the_rest(tmp_path):
    pairs, cache = table(tmp_path), tmp_path / "cache"
    command = [sys.executable, "-m", "autovoice.cli", "evaluate", str(pairs), "--metrics", "f0,duration", "-o"]
    environment = os.environ | {"AUTOVOICE_CACHE": str(cache)}
    process = subprocess.Popen([*command, str(tmp_path / "out")], env=environment, stdout=subprocess.DEVNULL)
    while len(list(cache.rglob("*.json"))) < 6:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (tmp_path / "out" / "summary.json").exists()
    time.sleep(1)  # its workers end with it
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")}
    subprocess.run([*command, str(tmp_path / "out")], env=environment, stdout=subprocess.DEVNULL, check=True)
    after = {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")}
    assert before.items() <= after.items(), "something was measured twice"
    assert len(after) > len(before)
    fresh = os.environ | {"AUTOVOICE_CACHE": str(tmp_path / "another")}
    subprocess.run([*command, str(tmp_path / "unbroken")], env=fresh, stdout=subprocess.DEVNULL, check=True)
    assert (tmp_path / "out/pairs.csv").read_bytes() == (tmp_path / "unbroken/pairs.csv").read_bytes()
