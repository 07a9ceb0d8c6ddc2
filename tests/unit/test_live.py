"""Live conversion: blocks of any size in, the same time out, later by a constant delay, in the pitch asked for."""

from collections.abc import Callable

import numpy as np
import pytest

from autovoice.audio.f0 import extract_f0
from autovoice.audio.resample import resample
from autovoice.live import LiveConverter, Running
from autovoice.voice import VoiceProfile
from tests.audio_files import speech
from tests.tiny_networks import TinyNetworks, random_voice, tiny_networks


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> TinyNetworks:
    return tiny_networks(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def voice() -> VoiceProfile:
    return random_voice()


@pytest.fixture
def live(networks: TinyNetworks, voice: VoiceProfile) -> Callable[..., LiveConverter]:
    return lambda shift_st=0.0: LiveConverter(networks, voice, shift_st)


def run(converter: LiveConverter, wav: np.ndarray, block: int) -> np.ndarray:
    return np.concatenate([converter.push(wav[i : i + block]) for i in range(0, len(wav), block)])


def test_the_size_of_the_blocks_does_not_matter(live: Callable[..., LiveConverter]) -> None:
    wav = speech("june", 1.2)
    small, large = run(live(), wav, 100), run(live(), wav, 5000)
    assert np.array_equal(small, large)
    assert len(wav) / 16000 - len(small) / 24000 <= 0.0225 + 0.02


def test_the_delay_is_within_what_a_conversation_bears(live: Callable[..., LiveConverter]) -> None:
    assert live().delay_s <= 0.06


def test_the_melody_comes_through_shifted(live: Callable[..., LiveConverter]) -> None:
    t = np.arange(3 * 16000) / 16000
    f = 150 + 30 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(f) / 16000
    tone = (0.05 * np.sum([np.sin(k * phase) / k for k in range(1, 20)], 0)).astype(np.float32)
    converter = live(5.0)
    out = resample(run(converter, tone, 320), 24000, 16000)
    lag = round(converter.delay_s * 100) - round(0.0225 * 100)
    heard = extract_f0(out, 160, len(out) // 160)
    wanted = f[::160] * 2 ** (5 / 12)
    pairs = [(heard[i + lag], wanted[i]) for i in range(50, len(heard) - lag - 5) if heard[i + lag] > 0]
    cents = 1200 * np.log2([a / b for a, b in pairs])
    assert len(pairs) > 150
    assert np.median(np.abs(cents)) < 35


def test_silence_stays_silent(live: Callable[..., LiveConverter]) -> None:
    assert np.abs(run(live(), np.zeros(16000, np.float32), 320)).max() < 1e-4


def test_level_and_key_follow_the_speaker(voice: VoiceProfile) -> None:
    running = Running()
    running.powers.extend([1e-4] * 20)
    running.pitches.extend([100.0] * 20)
    assert running.gain(-26.0) == pytest.approx(10 ** (14 / 20), rel=0.01)
    assert running.shift_st(voice) == pytest.approx(12.0)
    assert Running().gain(-26.0) == 1.0
