"""Reading and writing: every kind of file that a person may hand over."""

import os
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf

from autovoice.audio.io import StreamWriter, load_wav, probe, save_wav, stream_blocks
from autovoice.errors import AudioError

RATE = 16000


def tone(seconds: float = 1.0, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000])
def test_any_sample_rate_keeps_duration_and_level(tmp_path: Path, rate: int) -> None:
    sf.write(tmp_path / "a.wav", tone(1.5, rate), rate)
    wav = load_wav(tmp_path / "a.wav", RATE)
    assert len(wav) == pytest.approx(1.5 * RATE, abs=2)
    assert np.abs(wav[1000:-1000]).max() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_24"), ("flac", "PCM_16"), ("mp3", None), ("ogg", "VORBIS"), ("ogg", "OPUS")])
def test_formats(tmp_path: Path, suffix: str, subtype: str | None) -> None:
    path = tmp_path / f"ünïcode 声.{suffix}"
    sf.write(path, tone(), RATE, subtype=subtype)
    assert len(load_wav(path, RATE)) == pytest.approx(RATE, abs=RATE // 20)


def test_mp3_named_wav_is_read(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.mp3", tone(), RATE)
    (tmp_path / "a.mp3").rename(tmp_path / "a.wav")
    assert len(load_wav(tmp_path / "a.wav", RATE)) > 0.9 * RATE


def test_m4a_is_read_through_ffmpeg(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1.0, 44100)[None], format="fltp", layout="mono")
        frame.sample_rate = 44100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    wav = load_wav(tmp_path / "a.m4a", RATE)
    assert len(wav) == pytest.approx(RATE, abs=2000)
    assert np.abs(wav).max() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_mixed_down_with_a_warning(tmp_path: Path, channels: int) -> None:
    sf.write(tmp_path / "a.wav", np.stack([tone()] * channels, 1), RATE)
    assert np.allclose(load_wav(tmp_path / "a.wav", RATE), tone(), atol=1e-3)
    assert any("mixed down" in warning for warning in probe(tmp_path / "a.wav").warnings)


@pytest.mark.parametrize(
    ("wav", "rate", "warning"),
    [
        (np.clip(4 * tone(), -1, 1), RATE, "clipped"),
        (tone() + 0.1, RATE, "DC offset"),
        (tone(1.0, 8000), 8000, "narrow band"),
    ],
)
def test_usable_but_not_right_is_a_warning(tmp_path: Path, wav: np.ndarray, rate: int, warning: str) -> None:
    sf.write(tmp_path / "a.wav", wav, rate)
    assert any(warning in text for text in probe(tmp_path / "a.wav").warnings)
    assert probe(tmp_path / "a.wav").duration_s == pytest.approx(1.0)


def test_a_clean_file_has_no_warning(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(), RATE)
    assert probe(tmp_path / "a.wav").warnings == []


def test_the_readable_part_of_a_truncated_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 4 * RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 1 * RATE < len(load_wav(path, RATE)) < 3 * RATE
    assert any("truncated" in text for text in probe(path).warnings)


def test_a_header_that_lies_about_the_length_does_not_invent_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, tone(2.0), RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = (10**9).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert len(load_wav(path, RATE)) == 2 * RATE


def test_ten_milliseconds_are_readable(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(0.01), RATE)
    assert len(load_wav(tmp_path / "a.wav", RATE)) == 160


def write_bad(path: Path, kind: str) -> Path:
    if kind == "empty file":
        path.write_bytes(b"")
    elif kind == "no samples":
        sf.write(path, np.zeros(0), RATE)
    elif kind == "text":
        path.write_text("this is not audio\n" * 100)
    elif kind == "folder":
        path.mkdir()
    elif kind in ("nan", "inf"):
        wav = tone()
        wav[100] = float(kind)
        sf.write(path, wav, RATE, subtype="FLOAT")
    return path


@pytest.mark.parametrize("kind", ["missing", "empty file", "no samples", "text", "folder", "nan", "inf"])
def test_unusable_files_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = write_bad(tmp_path / "bad.wav", kind)
    for read in (lambda: load_wav(path, RATE), lambda: probe(path), lambda: list(stream_blocks(path, RATE))):
        with pytest.raises(AudioError, match=r"bad\.wav") as caught:
            read()
        assert caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, tone(), RATE)
    path.chmod(0)
    with pytest.raises(AudioError, match="permissions"):
        load_wav(path, RATE)


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_streamed_blocks_join_to_the_whole(tmp_path: Path, rate: int) -> None:
    sf.write(tmp_path / "a.wav", tone(7.3, rate), rate)
    blocks = list(stream_blocks(tmp_path / "a.wav", RATE, 1.0))
    assert all(len(block) == RATE for block in blocks[:-1])
    assert sum(map(len, blocks)) == pytest.approx(7.3 * RATE, abs=1)


def test_a_written_file_reads_back(tmp_path: Path) -> None:
    save_wav(tmp_path / "deep" / "a.flac", tone(), RATE)
    assert np.abs(load_wav(tmp_path / "deep" / "a.flac", RATE) - tone()).max() < 1e-4


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


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        with pytest.raises(AudioError, match="disk space"):
            save_wav(disk / "a.wav", tone(10.0), RATE)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
