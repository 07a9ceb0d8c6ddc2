"""Writing: whole or not at all, whatever goes wrong."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autovoice.audio.io import StreamWriter, load_wav, probe, save_wav
from autovoice.errors import AudioError

RATE = 16000


def tone(seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "mp3"])
def test_a_written_file_reads_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "deep" / f"a.{suffix}"
    save_wav(path, tone(), RATE)
    assert len(load_wav(path, RATE)) == RATE
    if suffix in ("wav", "flac"):
        assert np.abs(load_wav(path, RATE) - tone()).max() < 1e-4
        assert probe(path).subtype == "PCM_16"
    save_wav(path, tone(0.01), RATE)
    assert load_wav(path, RATE).shape == (160,)


def test_writing_onto_a_folder_or_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "a.wav", tmp_path / "file" / "b.wav"):
        with pytest.raises(AudioError, match="cannot be written"):
            save_wav(path, tone(), RATE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", "file"]


def test_not_a_number_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="NaN"):
        save_wav(tmp_path / "a.wav", np.full(100, np.nan, np.float32), RATE)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_when_writing_stops_halfway(tmp_path: Path) -> None:
    def fail() -> None:
        with StreamWriter(tmp_path / "a.wav", RATE) as writer:
            writer.write(tone())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="format"):
        save_wav(tmp_path / "a.xyz", tone(), RATE)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 128 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk: Path, suffix: str) -> None:
    (small_disk / "kept").write_bytes(b"x" * 100)
    noise = np.random.default_rng(0).uniform(-1, 1, 120 * RATE).astype(np.float32)
    with pytest.raises(AudioError, match=r"a\.\w+: no space left on the device; free some space"):
        save_wav(small_disk / f"a.{suffix}", noise, RATE)
    assert [path.name for path in small_disk.iterdir()] == ["kept"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_file_that_may_not_grow_is_one_sentence_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    """The same for who cannot mount: a limit on the size of files, in a process of its own."""
    script = f"""
import resource, sys
import numpy as np
from autovoice.audio.io import save_wav
from autovoice.errors import AudioError
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_wav({str(tmp_path / "a.")!r} + {suffix!r}, np.random.default_rng(0).uniform(-1, 1, 960_000), {RATE})
except AudioError as error:
    sys.exit(error.sentence)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []
