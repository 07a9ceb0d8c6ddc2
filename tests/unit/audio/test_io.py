"""Reading: every kind of file that a person may hand over."""

import os
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf

from autovoice.audio.io import StreamWriter, load_wav, probe, stream_blocks
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


@pytest.mark.parametrize(
    ("suffix", "subtype"), [("wav", "PCM_24"), ("flac", "PCM_16"), ("mp3", None), ("ogg", "VORBIS"), ("ogg", "OPUS")]
)
def test_formats(tmp_path: Path, suffix: str, subtype: str | None) -> None:
    path = tmp_path / f"ünïcode 声.{suffix}"
    sf.write(path, tone(), RATE, subtype=subtype)
    assert len(load_wav(path, RATE)) == pytest.approx(RATE, abs=RATE // 20)


def test_mp3_named_wav_is_read(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.mp3", tone(), RATE)
    (tmp_path / "a.mp3").rename(tmp_path / "a.wav")
    assert len(load_wav(tmp_path / "a.wav", RATE)) > 0.9 * RATE


def write_m4a(path: Path) -> Path:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1.0, 44100)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 44100, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def test_m4a_is_read_through_ffmpeg(tmp_path: Path) -> None:
    wav = load_wav(write_m4a(tmp_path / "a.m4a"), RATE)
    assert len(wav) == pytest.approx(RATE, abs=1), "neither the codec's delay nor its padding"
    assert np.sqrt(np.mean((wav - tone()) ** 2)) < 0.03
    assert probe(tmp_path / "a.m4a").subtype == "aac"


def test_a_stream_without_a_header_is_read(tmp_path: Path) -> None:
    with av.open(str(write_m4a(tmp_path / "a.m4a"))) as source, av.open(str(tmp_path / "a.aac"), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert len(load_wav(tmp_path / "a.aac", RATE)) == pytest.approx(RATE, abs=1200)
    assert probe(tmp_path / "a.aac").warnings == []


def test_a_stream_that_goes_on_at_another_rate_is_read_up_to_there(tmp_path: Path) -> None:
    for rate in (RATE, 44100):
        with av.open(str(tmp_path / f"{rate}.aac"), "w") as container:
            stream = container.add_stream("aac", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(tone(1.0, rate)[None], format="fltp", layout="mono")
            frame.sample_rate = rate
            for part in (frame, None):
                container.mux(stream.encode(part))
    both = (tmp_path / f"{RATE}.aac").read_bytes() + (tmp_path / "44100.aac").read_bytes()
    (tmp_path / "both.aac").write_bytes(both)
    assert len(load_wav(tmp_path / "both.aac", RATE)) == pytest.approx(RATE, abs=3000)
    assert "goes on at another rate" in probe(tmp_path / "both.aac").warnings[0]


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
        (np.stack([tone(), np.clip(4 * tone(), -1, 1)], 1), RATE, "clipped"),
        (tone(1.0, 8000), 8000, "8 kHz: narrow band"),
        (tone(1.0, 96000), 96000, "96 kHz"),
    ],
)
def test_usable_but_not_right_is_a_warning(tmp_path: Path, wav: np.ndarray, rate: int, warning: str) -> None:
    sf.write(tmp_path / "a.wav", wav, rate)
    assert any(warning in text for text in probe(tmp_path / "a.wav").warnings)
    assert probe(tmp_path / "a.wav").duration_s == pytest.approx(1.0)


def test_a_clean_file_has_no_warning(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(), RATE)
    assert probe(tmp_path / "a.wav").warnings == []


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
def test_the_readable_part_of_a_truncated_file_is_kept(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 4 * RATE), RATE)
    assert probe(path).warnings == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0.8 * RATE < len(load_wav(path, RATE)) < 3 * RATE
    assert any("truncated" in text for text in probe(path).warnings)


def test_the_readable_part_of_a_truncated_m4a_is_kept(tmp_path: Path) -> None:
    path = write_m4a(tmp_path / "a.m4a")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert 0.3 * RATE < len(load_wav(path, RATE)) < 0.9 * RATE
    assert any("truncated" in text for text in probe(path).warnings)


@pytest.mark.parametrize(
    ("declared", "n_read", "warning"),
    [(10**9, 2 * RATE, "truncated"), (2 * RATE, RATE, "lies about the length"), (0xFFFFFFFF, 2 * RATE, None)],
    ids=["more", "less", "unknown"],
)
def test_a_header_that_lies_about_the_length(tmp_path: Path, declared: int, n_read: int, warning: str | None) -> None:
    path = tmp_path / "a.wav"
    sf.write(path, tone(2.0) + 0.01, RATE, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[40:44] = declared.to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert len(load_wav(path, RATE)) == n_read
    assert [warning in text for text in probe(path).warnings] == ([True] if warning else [])


def test_tags_after_the_sound_are_no_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with sf.SoundFile(path, "w", RATE, 1) as stream:
        stream.write(tone())
        stream.comment = "recorded in the kitchen"
    assert path.stat().st_size > 2 * RATE + 60
    assert probe(path).warnings == []


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


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_what_may_not_be_read_is_refused(tmp_path: Path, closed: str) -> None:
    path = tmp_path / "closed" / "a.wav"
    path.parent.mkdir()
    sf.write(path, tone(), RATE)
    (path if closed == "file" else path.parent).chmod(0)
    with as_nobody(tmp_path), pytest.raises(AudioError, match=r"a\.wav.*permissions"):
        load_wav(path, RATE)
    path.parent.chmod(0o700)


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Root may read everything: for the block, a user who may not."""
    if os.geteuid():
        yield
        return
    modes = {parent: parent.stat().st_mode for parent in (folder, *folder.parents[:2])}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes.items():
            parent.chmod(mode)


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="regular file"):
        load_wav(tmp_path / "a.wav", RATE)


@pytest.mark.parametrize("name", ["a" * 300 + ".wav", "a\0b.wav"])
def test_impossible_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AudioError):
        load_wav(tmp_path / name, RATE)


def test_a_playlist_does_not_open_other_files(tmp_path: Path) -> None:
    write_m4a(tmp_path / "private.m4a")
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "private.m4a", "#EXT-X-ENDLIST", ""]
    (tmp_path / "list.m3u8").write_text("\n".join(lines))
    with pytest.raises(AudioError, match="not audio"):
        load_wav(tmp_path / "list.m3u8", RATE)


def test_without_pyav_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_m4a(tmp_path / "a.m4a")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match="pip install av"):
        load_wav(path, RATE)


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_streamed_blocks_join_to_the_whole(tmp_path: Path, rate: int) -> None:
    sf.write(tmp_path / "a.wav", tone(7.3, rate), rate)
    blocks = list(stream_blocks(tmp_path / "a.wav", RATE, 1.0))
    assert all(len(block) == RATE for block in blocks[:-1])
    assert sum(map(len, blocks)) == pytest.approx(7.3 * RATE, abs=1)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("n", [1, 7, 441, 4097, 44101])
def test_resampled_length_is_right_to_one_sample(tmp_path: Path, rate: int, n: int) -> None:
    sf.write(tmp_path / "a.wav", tone(n / rate + 1, rate)[:n], rate)
    assert abs(len(load_wav(tmp_path / "a.wav", RATE)) - n * RATE / rate) <= 1


def test_streaming_holds_no_more_than_a_few_blocks(tmp_path: Path) -> None:
    with StreamWriter(tmp_path / "a.wav", 48000) as writer:
        for _ in range(60):
            writer.write(tone(5.0, 48000))
    tracemalloc.start()
    n = sum(map(len, stream_blocks(tmp_path / "a.wav", RATE, 1.0)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 300 * RATE
    assert peak < 2e6, "five minutes are 19 MB"


@pytest.mark.parametrize(
    ("sample", "what"), [(3e38, "samples of 1e\\+10 or more"), (np.inf, "NaN or infinite samples")]
)
def test_a_sample_that_no_recording_has_is_refused(tmp_path: Path, sample: float, what: str) -> None:
    wav = np.zeros(RATE, np.float32)
    wav[100] = sample
    sf.write(tmp_path / "a.wav", wav, RATE, "FLOAT")
    with pytest.raises(AudioError, match=what):
        load_wav(tmp_path / "a.wav", 24000)
    wav[100] = 32768.0  # scaled as integers are: a mistake that does no harm
    sf.write(tmp_path / "b.wav", wav, RATE, "FLOAT")
    assert np.isfinite(load_wav(tmp_path / "b.wav", 24000)).all()
