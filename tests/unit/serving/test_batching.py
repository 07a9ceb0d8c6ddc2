"""Passes of the networks that several conversions share."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import torch
from audio_files import at_rate, speech

from autovoice.config import AudioConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.models.torch_networks import TorchNetworks
from autovoice.networks import OutOfMemory
from autovoice.serving.batching import Batched
from autovoice.voice import VoiceProfile, clone_voice
from scripts.own_server import until

MOST, SECONDS = 3, 1.0


@pytest.fixture(scope="module")
def networks() -> TorchNetworks:
    return TorchNetworks("cpu")


@pytest.fixture
def held(networks: TorchNetworks):
    """(rows of each pass of the large encoder, a switch that lets passes end)."""
    sizes, go = list[int](), threading.Event()

    def hold(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes.append(len(inputs[0]))
        assert go.wait(30)

    hook = networks.encoder.register_forward_pre_hook(hold)
    yield sizes, go
    hook.remove()


def wavs(n: int, seconds: float = SECONDS) -> list[np.ndarray]:
    return [speech("allison", seconds, i * SECONDS)[None] for i in range(n)]


def asked_at_once(batched: Batched, pool: ThreadPoolExecutor, asked: list[np.ndarray], held) -> list[Future]:
    """Asks for the first one's content, and while that is made for the others'."""
    sizes, go = held
    first = pool.submit(batched.content, asked[0])
    until(lambda: sizes)
    rest = [pool.submit(batched.content, wav) for wav in asked[1:]]
    until(lambda: len(batched._waiting) == len(rest))
    go.set()
    return [first, *rest]


def error_db(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(made - wanted).max() / np.abs(wanted).max() + 1e-12))


def test_what_waits_is_one_pass_of_at_most_so_many_rows_and_as_if_alone(networks: TorchNetworks, held) -> None:
    asked = wavs(5)
    with ThreadPoolExecutor(5) as pool:
        made = [job.result() for job in asked_at_once(Batched(networks, MOST), pool, asked, held)]
    assert sorted(held[0]) == [1, 1, MOST]
    assert max(error_db(one, networks.content(wav)) for one, wav in zip(made, asked, strict=True)) < -60
    assert error_db(made[0], made[1]) > -20, "each has its own"


def test_other_lengths_are_other_passes(networks: TorchNetworks, held) -> None:
    asked = [*wavs(2), *wavs(2, 0.5)]
    with ThreadPoolExecutor(4) as pool:
        made = [job.result() for job in asked_at_once(Batched(networks, MOST), pool, asked, held)]
    assert sorted(held[0]) == [1, 1, 2]
    assert [one.shape[1] for one in made] == [50, 50, 25, 25]


class Narrow(TorchNetworks):
    """Stands for a device that holds one row."""

    def content(self, wav, encoder="large"):
        if len(wav) > 1:
            raise OutOfMemory("rows")
        return super().content(wav, encoder)


def test_a_batch_that_the_device_cannot_hold_is_made_row_by_row(held, networks: TorchNetworks) -> None:
    narrow = Narrow("cpu")
    narrow.encoder = networks.encoder
    with ThreadPoolExecutor(3) as pool:
        made = [job.result() for job in asked_at_once(Batched(narrow, MOST), pool, wavs(3), held)]
    assert held[0] == [1, 1, 1]
    assert len(made) == 3


def test_a_fault_reaches_all_of_its_batch_and_the_next_pass_works(networks: TorchNetworks, held) -> None:
    batched = Batched(networks, MOST)
    bad = [np.full((1, 16000), "a") for _ in range(2)]
    with ThreadPoolExecutor(3) as pool:
        first, *rest = asked_at_once(batched, pool, [*wavs(1), *bad], held)
        assert first.result().shape[1] == 50
        for job in rest:
            with pytest.raises(TypeError):
                job.result()
    assert batched.content(wavs(1)[0]).shape[1] == 50


@pytest.fixture(scope="module")
def voices(networks: TorchNetworks) -> list[VoiceProfile]:
    rate = AudioConfig().output_rate
    return [clone_voice(name, [at_rate(speech(name, 5.0), rate)], networks=networks) for name in ("carlo", "june")]


@pytest.mark.parametrize("preset", ["fast", "quality"])
def test_conversions_into_several_voices_at_once_are_those_of_one_after_the_other(
    networks: TorchNetworks, voices: list[VoiceProfile], preset: str
) -> None:
    how, asked = compose().presets[preset], [speech("allison", SECONDS, i * SECONDS) for i in range(4)]
    jobs = [(wav, voices[i % 2]) for i, wav in enumerate(asked)]
    alone, together = (VoiceConverter(networks=used) for used in (networks, Batched(networks, 8)))
    with ThreadPoolExecutor(len(jobs)) as pool:
        made = list(pool.map(lambda job: together.convert(*job, how), jobs))
    assert max(error_db(one, alone.convert(*job, how)) for one, job in zip(made, jobs, strict=True)) < -60
