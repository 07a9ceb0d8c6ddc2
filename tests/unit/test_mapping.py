"""Mapping: that the map finds a linear change, trusts few frames little, and is one for the whole of a source."""

from dataclasses import replace

import numpy as np
import pytest

import autovoice.convert
from autovoice.config import AudioConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.mapping import content_map
from autovoice.voice import VoiceProfile
from tests.audio_files import speech

AUDIO = AudioConfig()
PLAIN = replace(compose().presets["balanced"], guidance=0.0, mapping=0.0)
MAPPED = replace(PLAIN, mapping=1.0)


def sounds(n: int, seed: int = 0) -> np.ndarray:
    """n frames of 40 sounds in 16 dimensions, each a little different whenever it is said."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(7).normal(size=(40, 16))
    return (places[rng.integers(0, 40, n)] + 0.1 * rng.normal(size=(n, 16))).astype(np.float32)


def change() -> np.ndarray:
    """What another voice does to every sound, as what it adds."""
    return (0.1 * np.random.default_rng(3).normal(size=(16, 16))).astype(np.float32)


def left(n: int) -> float:
    """The share of the way to the other voice that a map of n frames leaves."""
    source, other = sounds(n), sounds(4000, 1)
    mapped = content_map(source, other + other @ change(), np.ones(n, bool))
    heard = sounds(500, 2)
    return float(np.linalg.norm(heard @ change() - heard @ mapped) / np.linalg.norm(heard @ change()))


def test_a_linear_change_is_found_and_trusted_more_the_more_is_heard() -> None:
    few, some, many = (left(n) for n in (50, 500, 8000))
    assert many < 0.35, (few, some, many)
    assert many < some < few < 1


def test_unvoiced_frames_have_less_of_a_say() -> None:
    source, other = np.concatenate([sounds(600), -sounds(600, 4)]), sounds(4000, 1)
    reference = np.concatenate([other + other @ change(), -other])  # the second half of the source stays where it is
    first = np.arange(1200) < 600
    voiced_moves, voiced_stays = (content_map(source, reference, voiced) for voiced in (first, ~first))
    along = [float((mapped * change()).sum()) for mapped in (voiced_moves, voiced_stays)]
    assert along[0] > 1.3 * along[1] > 0, along


def test_silence_and_a_single_frame_give_a_map_of_numbers() -> None:
    for content in (np.zeros((30, 16), np.float32), sounds(1)):
        mapped = content_map(content, sounds(1), np.zeros(len(content), bool))
        assert mapped.shape == (16, 16)
        assert np.isfinite(mapped).all()


def test_a_source_is_mapped_and_one_without_voice_takes_retrieval(
    converter: VoiceConverter, voice: VoiceProfile
) -> None:
    source = speech("narrator", 4.0)
    mapped, plain = (converter.convert(source, voice, preset) for preset in (MAPPED, PLAIN))
    assert np.sqrt(np.mean((mapped - plain) ** 2)) > 0.02 * np.sqrt(np.mean(plain**2))
    short = [converter.convert(source[:4000], voice, preset) for preset in (MAPPED, PLAIN)]
    np.testing.assert_array_equal(*short)


def test_all_windows_of_a_long_source_share_the_map_of_its_first_seconds(
    converter: VoiceConverter, voice: VoiceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, heard = np.concatenate([speech("june", 20.0), speech("carlo", 20.0)]), []
    monkeypatch.setattr(
        autovoice.convert, "content_map", lambda said, *rest: heard.append(len(said)) or content_map(said, *rest)
    )
    converter.convert(source, voice, replace(MAPPED, reference_s=4.0))
    assert heard == [200]
