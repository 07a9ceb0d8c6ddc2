"""Guidance: what it does to filters, whose voice it takes for the source's, and that less of the source is left."""

from dataclasses import replace

import numpy as np
import pytest

from autovoice.audio.excitation import breath_noise, harmonic_excitation
from autovoice.audio.resample import resample
from autovoice.config import AudioConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.features import at_level, extract_frames
from autovoice.guidance import CONSTANT_FRAMES, MAX_LOG_RATIO, MIN_VOICED, Guidance, source_voice
from autovoice.models.speaker import embed_speaker
from autovoice.networks import Filters, Target
from autovoice.voice import VoiceProfile
from tests.audio_files import RATE, speech

AUDIO = AudioConfig()
PLAIN = replace(compose().presets["balanced"], guidance=0.0)


def filters(seed: int, n_frames: int = 4) -> Filters:
    rng = np.random.default_rng(seed)
    harmonic, phase, breath = (rng.normal(size=(1, n_frames, 5)).astype(np.float32) for _ in range(3))
    return Filters(np.exp(harmonic), phase, np.exp(breath))


def power(filters: Filters, voiced: np.ndarray) -> np.ndarray:
    """Of each frame, as the excitation and the noise of the synthesis make it."""
    noise = breath_noise(24000, np.random.default_rng(0))
    pulses = harmonic_excitation(np.full(100, 120.0, np.float32), np.ones(100, bool), 240, 24000)
    return voiced * pulses.var() * (filters.harmonic**2).sum(-1) + noise.var() * (filters.breath**2).sum(-1)


def guidance(share: float) -> Guidance:
    return Guidance(Target(*(np.zeros(1, np.float32) for _ in range(3))), share)


def test_amplitudes_go_a_share_further_but_for_what_is_constant() -> None:
    target, source, voiced = filters(0), filters(1), np.array([[True, True, False, False]])
    led = guidance(0.5).lead(target, source, voiced)
    for name, weight in (("harmonic", voiced[..., None]), ("breath", np.ones((1, 4, 1)))):
        made, one, other = (getattr(each, name) for each in (led, target, source))
        ratio = np.clip(np.log(one / other), -MAX_LOG_RATIO, MAX_LOG_RATIO)
        constant = (ratio * weight).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
        level = np.log(made / one) - 0.5 * (ratio - constant)
        assert np.allclose(level, level[..., :1], atol=1e-5)  # one a frame
    assert np.array_equal(led.phase, target.phase)
    assert not np.allclose(led.harmonic, target.harmonic, rtol=0.1)


def test_frames_stay_as_loud_as_they_were() -> None:
    target, source, voiced = filters(0), filters(1), np.array([[True, True, False, False]])
    led = guidance(0.5).lead(target, source, voiced)
    assert np.allclose(power(led, voiced), power(target, voiced), rtol=1e-2)
    silent = guidance(0.5).lead(Filters(*(np.zeros_like(part) for part in target)), source, voiced)
    assert not np.any(silent.harmonic)
    assert not np.any(silent.breath)


def test_no_share_and_no_difference_change_nothing() -> None:
    target, source, voiced = filters(0), filters(1), np.ones((1, 4), bool)
    for same in (guidance(0.0).lead(target, source, voiced), guidance(0.5).lead(target, target, voiced)):
        assert np.allclose(same.harmonic, target.harmonic, rtol=1e-5)
        assert np.allclose(same.breath, target.breath, rtol=1e-5)


def test_the_first_seconds_say_what_is_constant() -> None:
    target, source, voiced = (
        filters(0, CONSTANT_FRAMES + 9),
        filters(1, CONSTANT_FRAMES + 9),
        np.ones((1, CONSTANT_FRAMES + 9), bool),
    )
    whole, parts = guidance(0.5), guidance(0.5)
    led = whole.lead(target, source, voiced)
    cuts = [slice(0, CONSTANT_FRAMES), slice(CONSTANT_FRAMES, None)]
    joined = [
        parts.lead(*(Filters(*(x[:, cut] for x in one)) for one in (target, source)), voiced[:, cut]) for cut in cuts
    ]
    assert np.allclose(np.concatenate([part.harmonic for part in joined], 1), led.harmonic, rtol=1e-5)


def test_the_source_s_voice_is_heard_in_its_beginning_alone(converter: VoiceConverter) -> None:
    wav = at_level(speech("june", 6.0), RATE, AUDIO)
    wav, frames = wav[: len(wav) // 320 * 320], extract_frames(wav, AUDIO)
    content = converter.networks.content(wav[None])[0]
    own = source_voice(converter.networks, wav, content, frames["f0"], 3.0)
    assert own is not None
    assert own.ref_content.shape == (150, 512)
    assert own.ref_mel.shape == (150, AUDIO.n_mels)
    assert own.spk_emb @ embed_speaker(wav[: 3 * RATE]) == pytest.approx(1, abs=1e-4)
    late = np.concatenate([wav[: 3 * RATE], np.zeros_like(wav[3 * RATE :])])
    again = source_voice(converter.networks, late, content, frames["f0"], 3.0)
    assert again is not None
    assert np.allclose(again.ref_mel[:-2], own.ref_mel[:-2])  # but for the window that reaches over the cut


def test_nobody_is_recognised_in_too_little_voice(converter: VoiceConverter) -> None:
    n = 200
    wav, content, f0 = np.zeros(n * 320, np.float32), np.zeros((n, 512), np.float32), np.zeros(2 * n, np.float32)
    f0[: MIN_VOICED - 1] = 120.0
    assert source_voice(converter.networks, wav, content, f0, 4.0) is None
    f0[MIN_VOICED - 1] = 120.0
    assert source_voice(converter.networks, wav, content, f0, 4.0) is not None


def test_guidance_leaves_less_of_the_source_and_as_much_of_the_target(
    converter: VoiceConverter, voice: VoiceProfile
) -> None:
    source = speech("narrator", 5.0)
    own = embed_speaker(at_level(source, RATE, AUDIO))
    nearness = []
    for share in (0.0, 0.3):
        made = converter.convert(source, voice, replace(PLAIN, guidance=share))
        heard = embed_speaker(at_level(resample(made, AUDIO.output_rate, RATE), RATE, AUDIO))
        nearness.append((float(heard @ own), float(heard @ voice.spk_emb)))
    (plain_source, plain_target), (led_source, led_target) = nearness
    assert led_source < plain_source - 0.01, nearness
    assert led_target > plain_target - 0.02, nearness


def test_all_windows_of_a_long_source_leave_the_same_voice(
    converter: VoiceConverter, voice: VoiceProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, heard = np.concatenate([speech("june", 20.0), speech("carlo", 20.0)]), []
    embed = converter.networks.embed_speaker
    monkeypatch.setattr(converter.networks, "embed_speaker", lambda wav: heard.append(len(wav)) or embed(wav))
    converter.convert(source, voice, replace(PLAIN, guidance=0.3, reference_s=4.0))
    assert heard == [4 * RATE]
