"""What several tests of conversion share: the shipped networks, and a voice cloned from 12 s of a demo reader."""

import pytest

from autovoice.config import AudioConfig
from autovoice.convert import VoiceConverter
from autovoice.voice import VoiceProfile, clone_voice
from tests.audio_files import at_rate, speech


@pytest.fixture(scope="module")
def converter() -> VoiceConverter:
    return VoiceConverter("cpu")


@pytest.fixture(scope="module")
def voice(converter: VoiceConverter) -> VoiceProfile:
    return clone_voice(
        "nikolay", [at_rate(speech("nikolay", 12.0), AudioConfig().output_rate)], networks=converter.networks
    )
