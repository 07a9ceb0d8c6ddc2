"""The mark is found after what happens to recordings, is not found where there is none, and costs the sound nothing."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from autovoice.audio.io import save_wav
from autovoice.audio.resample import resample
from autovoice.cli import main
from autovoice.errors import DataError
from autovoice.studies.watermark import measure_detection, measure_unmarked, recordings, report
from autovoice.watermark import STRENGTH_DB, Watermark, detect, detect_file, marked
from autovoice.watermark.detector import Z_MARKED, folded, judge
from autovoice.watermark.pattern import PERIOD_FRAMES, SYNC_BANDS, pattern, template
from tests.audio_files import DEMO, at_rate, speech

RATE = 24000
PAYLOAD = 0xDEADBEEF
FIRST_CHIPS = [[1, 1, 1, -1, 1, -1], [-1, -1, 1, -1, 1, -1], [-1, -1, 1, -1, -1, 1]]


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    return at_rate(speech("allison", 8.0), RATE)


@pytest.fixture(scope="module")
def with_mark(voice: np.ndarray) -> np.ndarray:
    return marked(voice, RATE, PAYLOAD)


def as_mp3(wav: np.ndarray) -> np.ndarray:
    """64 kbit/s, mono, and back."""
    stream = io.BytesIO()
    settings = {"bitrate_mode": "CONSTANT", "compression_level": 96 / 152}
    with sf.SoundFile(stream, "w", RATE, 1, "MPEG_LAYER_III", format="MP3", **settings) as file:  # type: ignore[arg-type]
        file.write(wav)
    assert len(stream.getvalue()) * 8 / (len(wav) / RATE) == pytest.approx(64000, rel=0.05)
    stream.seek(0)
    return sf.read(stream, dtype="float32")[0]


def test_a_marked_recording_is_found_and_says_its_payload(with_mark: np.ndarray) -> None:
    found = detect(with_mark, RATE)
    assert found.marked
    assert found.false_alarm < 1e-6
    assert found.payload == PAYLOAD


def test_an_unmarked_recording_is_not_found(voice: np.ndarray) -> None:
    found = detect(voice, RATE)
    assert not found.marked
    assert found.payload is None
    assert found.false_alarm > 1e-3


@pytest.mark.parametrize(
    "attack",
    [
        as_mp3,
        lambda wav: resample(resample(wav, RATE, 16000), 16000, RATE),
        lambda wav: wav + np.random.default_rng(0).normal(0, wav.std() / 10, len(wav)).astype(np.float32),
        lambda wav: as_mp3(wav)[31237 : 31237 + 5 * RATE],
        lambda wav: -0.2 * wav,
    ],
    ids=["mp3", "16 kHz", "noise at 20 dB", "mp3, 5 s from somewhere", "softer and turned over"],
)
def test_the_mark_survives(with_mark: np.ndarray, attack: Callable[[np.ndarray], np.ndarray]) -> None:
    assert detect(attack(with_mark), RATE).z > Z_MARKED + 1


def test_another_key_does_not_find_it(with_mark: np.ndarray) -> None:
    assert not detect(with_mark, RATE, b"another key").marked


def test_the_statistic_of_unmarked_speech_is_what_the_threshold_assumes(voice: np.ndarray) -> None:
    levels = folded([resample(voice, RATE, 16000)])
    best = np.array([judge(levels, str(i).encode()).z for i in range(40)])
    assert 2.8 < np.median(best) < 4.0  # the best of a few hundred independent normal deviates is about 3.2
    assert best.max() < Z_MARKED


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
def test_any_rate_carries_the_mark(rate: int) -> None:
    wav = resample(speech("nikolay", 6.0), 16000, rate)
    assert detect(marked(wav, rate, 7), rate).payload == 7


def test_the_blocks_of_a_stream_do_not_matter_and_nothing_is_lost(voice: np.ndarray, with_mark: np.ndarray) -> None:
    stream, parts, at = Watermark(RATE, PAYLOAD), [], 0
    for size in (1, 479, 480, 481, 5000, 100, len(voice)):
        parts.append(stream.push(voice[at : at + size]))
        at += size
    joined = np.concatenate([*parts, stream.finish()])
    assert len(joined) == len(voice)
    assert np.allclose(joined, with_mark, atol=1e-6)


def test_a_part_of_a_whole_is_marked_as_its_place_in_it_wants(voice: np.ndarray, with_mark: np.ndarray) -> None:
    start = 100 * RATE // 50
    stream = Watermark(RATE, PAYLOAD, start=start)
    part = np.concatenate([stream.push(voice[start:]), stream.finish()])
    assert np.allclose(part[1000:], with_mark[start + 1000 :], atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 480, 1000])
def test_very_short_streams_keep_their_length(voice: np.ndarray, n: int) -> None:
    assert len(marked(voice[:n], RATE)) == n
    assert not detect(voice[:n], RATE).marked


def test_a_strength_of_nothing_changes_nothing_and_silence_stays_silent(voice: np.ndarray) -> None:
    assert np.allclose(marked(voice, RATE, strength_db=0.0), voice, atol=1e-6)
    assert not marked(np.zeros(RATE, np.float32), RATE).any()


def test_the_level_stays_and_the_mark_lies_under_the_voice(voice: np.ndarray, with_mark: np.ndarray) -> None:
    assert 20 * np.log10(with_mark.std() / voice.std()) == pytest.approx(0, abs=0.3)
    assert 20 * np.log10((with_mark - voice).std() / voice.std()) < -15


def test_the_pattern_is_the_same_for_ever_and_balanced() -> None:
    assert template()[:12:4, :6].tolist() == FIRST_CHIPS
    assert np.abs(template().sum(0)).max() == 0
    assert np.array_equal(pattern(PAYLOAD)[:, SYNC_BANDS], template()[:, SYNC_BANDS])
    assert pattern(0).shape[0] == PERIOD_FRAMES


def test_verify_tells_marked_from_unmarked(
    voice: np.ndarray, with_mark: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_wav(tmp_path / "marked.mp3", with_mark, RATE)
    save_wav(tmp_path / "plain.wav", voice, RATE)
    assert main(["verify", str(tmp_path / "marked.mp3"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["files"][0]
    assert said["payload"] == "deadbeef"
    assert main(["verify", str(tmp_path / "marked.mp3"), str(tmp_path / "plain.wav")]) == 1
    out = capsys.readouterr().out
    assert "marked.mp3: marked (z = " in out
    assert "plain.wav: not marked" in out


@pytest.mark.parametrize("content", [None, b"", b"not audio" * 100])
def test_verify_refuses_what_is_no_recording(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "x.wav").write_bytes(content)
    assert main(["verify", str(tmp_path / "x.wav")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_long_file_is_added_up_period_by_period(tmp_path: Path) -> None:
    wav = np.concatenate([at_rate(speech(name, 15.0), RATE) for name in ("allison", "june", "nikolay")])
    save_wav(tmp_path / "long.flac", marked(wav, RATE, PAYLOAD), RATE)
    whole, part = detect_file(tmp_path / "long.flac"), detect(marked(wav, RATE, PAYLOAD)[: 8 * RATE], RATE)
    assert whole.payload == PAYLOAD
    assert whole.z > part.z


def test_the_study_measures_and_writes_its_table(tmp_path: Path) -> None:
    from autovoice.files import write_json

    write_json(tmp_path / "unmarked.json", none := measure_unmarked(DEMO, 4))
    write_json(tmp_path / "detection.json", seen := measure_detection(DEMO, 2, STRENGTH_DB))
    assert none["alarms"] == 0
    assert none["tries"] == 5 * none["recordings"]
    assert seen["rows"]["mp3, 64 kbit/s"]["found"] == 1.0
    assert "| mp3, 64 kbit/s | 100.0% |" in report(tmp_path)
    with pytest.raises(DataError, match="no recordings"):
        next(recordings(tmp_path, 1))
