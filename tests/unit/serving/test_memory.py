"""What threads free is shared: a process that converts in many threads does not keep it once for each."""

import subprocess
import sys

import pytest

KEPT = """
import sys, threading
from autovoice.serving.memory import share_arenas
if sys.argv[1] == "shared":
    assert share_arenas()
N, SIZE = 24, 60_000  # threads; bytes that malloc takes from an arena
barrier = threading.Barrier(N)
def run():
    kept = []
    barrier.wait()
    for _ in range(200):
        kept.append(bytearray(SIZE))
    barrier.wait()
threads = [threading.Thread(target=run) for _ in range(N)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sum(line.startswith(b"7") and b"rw-p 00000000 00:00 0" in line for line in open("/proc/self/maps", "rb")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_many_threads_share_two_arenas() -> None:
    def n_maps(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", KEPT, how], capture_output=True, text=True, check=True).stdout)

    assert n_maps("shared") < n_maps("own")
