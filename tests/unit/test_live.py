"""Live conversion: blocks of any size in, the same time out, later by a constant delay, in the pitch asked for."""

import numpy as np
import pytest
import torch

from autovoice.audio.f0 import extract_f0
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig, ContentConfig, ModelConfig
from autovoice.live import LiveConverter, Running
from autovoice.models.generator import Generator
from autovoice.models.student import StudentEncoder
from autovoice.voice import VoiceProfile
from tests.audio_files import speech

AUDIO = AudioConfig(output_rate=24000)
TINY = ModelConfig("tiny", dim=32, n_content_blocks=1, n_blocks=1, bottleneck=8, n_heads=2, causal=True)


@pytest.fixture(scope="module")
def voice() -> VoiceProfile:
    frames = {"ref_content": torch.randn(100, 512).half(), "ref_mel": torch.randn(100, 80).half()}
    pitch = {"f0_median_hz": 200.0, "f0_low_hz": 150.0, "f0_high_hz": 260.0}
    facts = {"speech_s": 9.0, "spread": 1.0, "snr_db": 40.0, "verdict": "good"}
    return VoiceProfile(name="v", spk_emb=np.full(256, 1 / 16, np.float32), **frames, **pitch, **facts)  # type: ignore[arg-type]


def live(voice: VoiceProfile, shift_st: float | None = 0.0) -> LiveConverter:
    torch.manual_seed(0)
    student, generator = StudentEncoder(dim=16, n_blocks=1).eval(), Generator(TINY, AUDIO, ContentConfig()).eval()
    return LiveConverter(student, generator, voice, AUDIO, shift_st)


def run(converter: LiveConverter, wav: np.ndarray, block: int) -> np.ndarray:
    return np.concatenate([converter.push(wav[i : i + block]) for i in range(0, len(wav), block)])


def test_the_size_of_the_blocks_does_not_matter(voice: VoiceProfile) -> None:
    wav = speech("june", 1.2)
    small, large = run(live(voice), wav, 100), run(live(voice), wav, 5000)
    assert np.array_equal(small, large)
    assert len(wav) / 16000 - len(small) / 24000 <= 0.0225 + 0.02


def test_the_delay_is_within_what_a_conversation_bears(voice: VoiceProfile) -> None:
    assert live(voice).delay_s <= 0.06


def test_the_melody_comes_through_shifted(voice: VoiceProfile) -> None:
    t = np.arange(3 * 16000) / 16000
    f = 150 + 30 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(f) / 16000
    tone = (0.05 * np.sum([np.sin(k * phase) / k for k in range(1, 20)], 0)).astype(np.float32)
    converter = live(voice, 5.0)
    out = resample(run(converter, tone, 320), 24000, 16000)
    lag = round(converter.delay_s * 100) - round(0.0225 * 100)
    heard = extract_f0(out, 160, len(out) // 160)
    wanted = f[::160] * 2 ** (5 / 12)
    pairs = [(heard[i + lag], wanted[i]) for i in range(50, len(heard) - lag - 5) if heard[i + lag] > 0]
    cents = 1200 * np.log2([a / b for a, b in pairs])
    assert len(pairs) > 150
    assert np.median(np.abs(cents)) < 35


def test_silence_stays_silent(voice: VoiceProfile) -> None:
    assert np.abs(run(live(voice), np.zeros(16000, np.float32), 320)).max() < 1e-4


def test_level_and_key_follow_the_speaker(voice: VoiceProfile) -> None:
    running = Running()
    running.powers.extend([1e-4] * 20)
    running.pitches.extend([100.0] * 20)
    assert running.gain(-26.0) == pytest.approx(10 ** (14 / 20), rel=0.01)
    assert running.shift_st(voice) == pytest.approx(12.0)
    assert Running().gain(-26.0) == 1.0
