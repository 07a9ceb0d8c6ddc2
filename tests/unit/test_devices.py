"""Devices: how the command line names them, and what becomes of a conversion when one has too little memory."""

from argparse import ArgumentTypeError

import numpy as np
import pytest
import torch

from autovoice.commands.convert import device
from autovoice.config import PresetConfig
from autovoice.convert import VoiceConverter
from autovoice.models.torch_networks import TorchNetworks
from autovoice.voice import clone_voice
from tests.audio_files import speech


@pytest.mark.parametrize("text", ["cpu", "cuda", "cuda:0", "cuda:17", "auto"])
def test_a_device_that_may_exist_is_taken_as_it_is(text: str) -> None:
    assert device(text) == text


@pytest.mark.parametrize("text", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cuda:01", "cuda:300", "cuda:1\n"])
def test_anything_else_is_refused_before_torch_loads(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="none of cpu, cuda, cuda:N and auto"):
        device(text)


def test_without_memory_for_any_chunk_the_conversion_goes_on_on_the_cpu(caplog: pytest.LogCaptureFixture) -> None:
    """torch's meta device, which stores nothing, stands for a card that is full."""
    converter = VoiceConverter("cpu")
    voice = clone_voice("nikolay", [speech("nikolay", 8.0)], networks=converter.networks)
    source, preset = speech("allison", 3.0), PresetConfig(reference_s=4.0, chunk_s=5.0)
    whole = converter.convert(source, voice, preset)

    def full(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].device.type != "cpu":
            raise torch.OutOfMemoryError("the card is full")

    networks = converter.networks
    assert isinstance(networks, TorchNetworks)
    meta = torch.device("meta")
    for network in (networks.encoder, networks._tracker(meta).session.network):
        network.register_forward_pre_hook(full)
    networks._device = meta
    again = converter.convert(source, voice, preset)
    assert "on meta: pitch is found on the CPU" in caplog.text
    assert "on meta: going on in chunks of 2.5 s" in caplog.text
    assert "on meta: going on on the CPU" in caplog.text
    assert converter.device == "cpu"
    assert np.array_equal(again, whole)
