"""Cloning and converting real recordings with the shipped weights."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autovoice.analysis import analyse
from autovoice.audio.io import load_wav, save_wav
from autovoice.audio.resample import resample
from autovoice.audio.windows import array_blocks
from autovoice.config import AudioConfig, PresetConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.errors import AutovoiceError, DataError
from autovoice.models.content import load_content_encoder
from autovoice.models.speaker import embed_speaker
from autovoice.models.torch_networks import TorchNetworks, pick_device
from autovoice.networks import Filters, OutOfMemory
from autovoice.retrieval import retrieve
from autovoice.voice import VoiceProfile, clone_voice, recordings_of, voice_dir
from autovoice.watermark import marked
from autovoice.weights import BASE_GENERATOR
from tests.audio_files import RATE, at_rate, speech

PRESETS = compose().presets
OUT_RATE = AudioConfig().output_rate


@pytest.fixture(scope="module")
def voice(converter: VoiceConverter) -> VoiceProfile:
    return clone_voice(
        "nikolay", [at_rate(speech("nikolay", 12.0), OUT_RATE)], "by its licence", networks=converter.networks
    )


def test_a_clone_knows_its_pitch_its_speech_and_its_consent(voice: VoiceProfile) -> None:
    assert 90 < voice.f0_median_hz < 180
    assert 6 < voice.speech_s <= 12
    assert voice.consent == "by its licence"
    assert np.linalg.norm(voice.spk_emb) == pytest.approx(1.0, abs=1e-5)
    assert len(voice.ref_content) == len(voice.ref_mel)


def test_a_voice_reads_back_what_was_saved(voice: VoiceProfile, tmp_path: Path) -> None:
    voice.save(tmp_path / "v", OUT_RATE)
    loaded = VoiceProfile.load(tmp_path / "v")
    assert loaded.facts() == voice.facts()
    assert np.array_equal(loaded.ref_content, voice.ref_content)
    assert sum(map(len, recordings_of(tmp_path / "v", OUT_RATE))) == pytest.approx(12 * OUT_RATE, abs=OUT_RATE)


@pytest.mark.parametrize(
    "make", [lambda: at_rate(speech("june", 2.0), OUT_RATE), lambda: np.zeros(10 * OUT_RATE, np.float32)]
)
def test_too_little_speech_is_refused(converter: VoiceConverter, make) -> None:
    with pytest.raises(DataError, match="s of speech, 3 s are needed"):
        clone_voice("x", [make()], networks=converter.networks)


def test_noise_is_not_speech(converter: VoiceConverter) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * OUT_RATE).astype(np.float32)
    with pytest.raises(DataError, match="s of speech"):
        clone_voice("x", [noise], networks=converter.networks)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\\b", ".hidden", "x" * 65, "nul\0", "a "])
def test_a_voice_name_never_leaves_its_folder(name: str) -> None:
    with pytest.raises(DataError, match="not a usable voice name"):
        voice_dir(Path("voices"), name)


def test_ordinary_names_of_any_script_are_fine() -> None:
    assert voice_dir(Path("voices"), "Zoë O'Neil 2") == Path("voices/Zoë O'Neil 2")
    assert voice_dir(Path("voices"), "声").name == "声"


def test_a_folder_that_is_no_voice_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such voice"):
        VoiceProfile.load(tmp_path)


def test_conversion_moves_towards_the_target_and_keeps_the_duration(
    converter: VoiceConverter, voice: VoiceProfile
) -> None:
    source = speech("allison", 4.0)
    result = converter.convert(source, voice, PRESETS["balanced"])
    assert len(result) == converter.spoken(len(source))
    heard = resample(result, OUT_RATE, RATE)
    before, after = (float(embed_speaker(0.05 * w / w.std()) @ voice.spk_emb) for w in (source, heard))
    assert after > before + 0.1


def test_the_same_seed_gives_the_same_samples_and_presets_differ(
    converter: VoiceConverter, voice: VoiceProfile
) -> None:
    source = speech("allison", 2.0)
    results = {name: converter.convert(source, voice, preset) for name, preset in PRESETS.items()}
    assert np.array_equal(results["fast"], converter.convert(source, voice, PRESETS["fast"]))
    assert not np.array_equal(results["fast"], converter.convert(source, voice, PRESETS["fast"], seed=1))
    assert not np.array_equal(results["fast"], results["balanced"])
    assert not np.array_equal(results["balanced"], results["quality"])


def test_what_is_kept_of_one_voice_is_not_heard_in_another(converter: VoiceConverter, voice: VoiceProfile) -> None:
    wav, preset = speech("allison", 1.0), PRESETS["fast"]
    other = replace(voice, ref_content=voice.ref_content[::-1], ref_mel=voice.ref_mel[::-1] + 1)
    turned = replace(voice, spk_emb=np.roll(voice.spk_emb, 7))
    results = [converter.convert(wav, one, preset) for one in (voice, other, turned, voice, other, turned)]
    assert all(np.array_equal(a, b) for a, b in zip(results[:3], results[3:], strict=True))
    assert np.array_equal(VoiceConverter("cpu").convert(wav, other, preset), results[1])
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(results[:3], 2))


def test_a_shift_in_semitones_moves_the_pitch_by_that_much(voice: VoiceProfile) -> None:
    blocks = array_blocks(speech("allison", 3.0), RATE)
    plain, up = (analyse(blocks(), voice, AudioConfig(), shift) for shift in (0.0, 12.0))
    voiced = plain.f0 > 0
    assert np.allclose(up.f0[voiced] / plain.f0[voiced], 2.0, atol=1e-3)
    auto = analyse(blocks(), voice, AudioConfig(), "auto")
    assert np.median(auto.f0[auto.f0 > 0]) == pytest.approx(voice.f0_median_hz, rel=0.02)


@pytest.mark.parametrize("n_samples", [0, 1, 160, 1000, 3200])
def test_very_short_sources_keep_their_length(converter: VoiceConverter, voice: VoiceProfile, n_samples: int) -> None:
    result = converter.convert(speech("allison", 1.0)[:n_samples], voice, PRESETS["balanced"])
    assert len(result) == converter.spoken(n_samples)
    assert np.isfinite(result).all()


def test_silence_stays_silent(converter: VoiceConverter, voice: VoiceProfile) -> None:
    assert np.abs(converter.convert(np.zeros(2 * RATE, np.float32), voice, PRESETS["balanced"])).max() == 0


def test_the_output_follows_the_level_of_the_source(converter: VoiceConverter, voice: VoiceProfile) -> None:
    source = speech("allison", 3.0)
    loud, quiet = (converter.convert(gain * source, voice, PRESETS["balanced"]).std() for gain in (1.0, 0.1))
    assert loud / quiet == pytest.approx(10.0, rel=0.1)


@pytest.mark.parametrize("chunk_s", [0.7, 2.0])
def test_the_size_of_the_chunks_does_not_change_the_result(
    converter: VoiceConverter, voice: VoiceProfile, chunk_s: float
) -> None:
    source = speech("allison", 6.0)
    whole = converter.convert(source, voice, PRESETS["balanced"])
    chunked = converter.convert(source, voice, replace(PRESETS["balanced"], chunk_s=chunk_s))
    assert np.square(chunked - whole).mean() < 1e-6 * np.square(whole).mean()  # -60 dB


class Small(TorchNetworks):
    """Networks on a device with little memory."""

    n_frames = 270

    def generate(self, content: np.ndarray, *rest: Any) -> Filters:
        if content.shape[1] > self.n_frames:
            raise OutOfMemory("too large")
        return super().generate(content, *rest)


def test_out_of_memory_makes_smaller_chunks_and_the_same_audio(
    converter: VoiceConverter, voice: VoiceProfile, caplog: pytest.LogCaptureFixture
) -> None:
    source, small = speech("allison", 6.0), Small("cpu")
    whole = converter.convert(source, voice, PRESETS["balanced"])
    again = VoiceConverter(networks=small).convert(source, voice, PRESETS["balanced"])
    assert "out of memory" in caplog.text
    assert np.square(again - whole).mean() < 1e-6 * np.square(whole).mean()
    small.n_frames = 1
    with pytest.raises(AutovoiceError, match="not enough memory"):
        VoiceConverter(networks=small).convert(source, voice, PRESETS["balanced"])


def test_a_file_is_converted_in_blocks_to_the_same_samples(
    converter: VoiceConverter, voice: VoiceProfile, tmp_path: Path
) -> None:
    source = speech("allison", 3.0)
    save_wav(tmp_path / "in.wav", source, RATE)
    stats = converter.convert_file(tmp_path / "in.wav", tmp_path / "deep" / "out.wav", voice, PRESETS["balanced"])
    assert stats.duration_s == pytest.approx(3.0, abs=0.001)
    whole = converter.convert(load_wav(tmp_path / "in.wav", RATE), voice, PRESETS["balanced"])
    whole = np.clip(marked(whole, OUT_RATE, voice.payload), -1, 1)  # as a file holds it
    assert np.abs(load_wav(tmp_path / "deep" / "out.wav", OUT_RATE) - whole).max() < 1e-3


def test_an_adapted_voice_has_no_band_that_its_recordings_lack(converter: VoiceConverter) -> None:
    voice = clone_voice(
        "june", [at_rate(speech("june", 12.0), OUT_RATE)], networks=converter.networks
    )  # the base adds a band
    assert 6000 < voice.band_hz < 8100  # recorded at 16 kHz
    source, above = speech("allison", 3.0), {}
    plain = replace(PRESETS["balanced"], guidance=0.0, mapping=0.0)  # as adapted voices are spoken
    for name, own in (("base", voice), ("adapted", replace(voice, adapted=BASE_GENERATOR))):
        made = converter.convert(source, own, plain)
        power = (
            np.abs(np.fft.rfft(made * np.hanning(len(made)))) ** 2
        )  # a rectangular window leaks more than the voice has
        above[name] = power[len(power) * 2 // 3 :].sum() / power.sum()  # over 8 kHz
    assert above["adapted"] < 0.05 * above["base"], above


def passes_of(
    networks: dict[str, torch.nn.Module], work: Callable[[], np.ndarray]
) -> tuple[dict[str, int], np.ndarray]:
    """How often each network runs during `work`, and what that returns."""
    passes = dict.fromkeys(networks, 0)

    def counter(name: str) -> Callable[..., None]:
        return lambda *_: passes.update({name: passes[name] + 1})

    hooks = [network.register_forward_hook(counter(name)) for name, network in networks.items()]
    result = work()
    for hook in hooks:
        hook.remove()
    return passes, result


def test_presets_differ_in_what_they_compute_and_in_what_is_heard(
    converter: VoiceConverter, voice: VoiceProfile
) -> None:
    source = speech("june", 3.0)
    torchs = converter.networks
    assert isinstance(torchs, TorchNetworks)
    networks = {"student": torchs.student, "large": torchs.encoder, "head": torchs.generator().head.envelopes}
    done = {n: passes_of(networks, partial(converter.convert, source, voice, p)) for n, p in PRESETS.items()}
    assert done["fast"][0] == {"student": 1, "large": 0, "head": 1}
    assert done["balanced"][0] == {"student": 0, "large": 1, "head": 2}  # in the target's voice and in the source's
    assert done["quality"][0] == {"student": 0, "large": 1, "head": 4}
    for (_, one), (_, other) in itertools.combinations(done.values(), 2):
        assert np.sqrt(np.mean((one - other) ** 2)) > 0.03 * np.sqrt(np.mean(one**2))


def test_an_unknown_or_absent_device_is_one_sentence() -> None:
    with pytest.raises(AutovoiceError, match="no such device"):
        pick_device("toaster")
    if not torch.cuda.is_available():
        with pytest.raises(AutovoiceError, match="no CUDA device"):
            pick_device("cuda")


def test_retrieval_moves_voiced_frames_further_than_unvoiced_ones() -> None:
    rng = np.random.default_rng(0)
    content, reference = (rng.standard_normal((n, 16), np.float32) for n in (6, 40))
    voiced = np.array([True, True, True, False, False, False])
    moved = np.linalg.norm(retrieve(content, reference, voiced, 0.5, 4) - content, axis=-1)
    assert moved[:3].mean() > 2 * moved[3:].mean()
    assert np.array_equal(retrieve(content, reference, voiced, 0.0, 4), content)


def test_full_retrieval_of_one_neighbour_is_that_neighbour() -> None:
    reference = np.random.default_rng(0).standard_normal((40, 16), np.float32)
    found = retrieve(reference[5:6], reference, np.ones(1, bool), 1.0, 1)
    assert np.allclose(found[0], reference[5], atol=1e-6)


def test_the_default_preset_is_balanced() -> None:
    assert PresetConfig() == PRESETS["balanced"]
    assert load_content_encoder(compose().content) is not None
