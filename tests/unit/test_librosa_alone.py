"""librosa's compiled parts are loaded under a lock, and they are all that is compiled for several types."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import sys
from filelock import FileLock, Timeout

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("librosa.core.audio", "librosa.core.pitch", "librosa.util.utils"):
            try:
                FileLock(sys.argv[1], is_singleton=False).acquire(timeout=0)
                print(name, "free")
            except Timeout:
                print(name, "held")

sys.meta_path.insert(0, Watch())
from autovoice.librosa_alone import librosa
"""
MEASURING = """
from pathlib import Path
import sys
import numpy as np
from autovoice.librosa_alone import librosa

def of_several_types():
    return sorted({p.name.rsplit(".", 2)[0] for p in Path(sys.argv[1]).rglob("*.2.nbc")})

print(of_several_types())
from autovoice.metrics.cepstral import mcd
from autovoice.metrics.copy import mrstft
from autovoice.metrics.secs import secs_embedding
from autovoice.metrics.singing import chroma_similarity
wav = 0.1 * np.random.default_rng(0).standard_normal(32000).astype(np.float32)
for metric in (mcd, mrstft, chroma_similarity):
    metric(wav, wav)
secs_embedding(wav)
print(of_several_types())
"""


def lines(program: str, argument: Path, **env: str) -> list[str]:
    command = [sys.executable, "-c", program, str(argument)]
    return subprocess.run(
        command, env=os.environ | env, stdout=subprocess.PIPE, text=True, check=True
    ).stdout.splitlines()


def test_nobody_else_has_the_lock_while_the_compiled_parts_are_loaded() -> None:
    from autovoice.librosa_alone import LOCK

    found = dict(line.split() for line in lines(WATCHED, LOCK))
    assert found == dict.fromkeys(("librosa.core.audio", "librosa.core.pitch", "librosa.util.utils"), "held")


@pytest.mark.slow  # it compiles them all anew
def test_measuring_compiles_nothing_more_for_several_types(tmp_path) -> None:
    loaded, measured = lines(MEASURING, tmp_path, NUMBA_CACHE_DIR=str(tmp_path))
    assert loaded == measured != "[]"
