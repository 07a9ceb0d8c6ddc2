"""What is measured: the presets and two baselines behind the same two doors, samples in and file to file."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autovoice.audio.io import load_wav, save_wav
from autovoice.baselines import griffin_lim, world_convert
from autovoice.config import PresetConfig, compose
from autovoice.convert import VoiceConverter
from autovoice.errors import AutovoiceError
from autovoice.models.torch_networks import TorchNetworks
from autovoice.voice import VoiceProfile, clone_voice

RATE = 16000
REFERENCE_S = 30.0


def demo_recordings(folder: Path) -> tuple[Path, Path]:
    """One recording each of two speakers, the longest they have: (source, target)."""
    speakers = sorted(p for p in folder.glob("*") if p.is_dir())
    if len(speakers) < 2:
        raise AutovoiceError(
            "needs two speakers", str(folder), "name a folder of <speaker>/<recording> with --recordings"
        )
    first, second = (max(s.glob("*.*"), key=lambda p: p.stat().st_size) for s in (speakers[0], speakers[-1]))
    return first, second


@dataclass
class Baseline:
    """A method without weights; it holds the whole recording in memory."""

    change: Callable[[np.ndarray], np.ndarray]
    n_parameters: int = 0

    def convert(self, wav: np.ndarray) -> np.ndarray:
        """wav: mono 16 kHz (T,) -> as long."""
        return self.change(wav)

    def convert_file(self, source: Path, target: Path) -> None:
        """File to file."""
        save_wav(target, self.convert(load_wav(source, RATE)), RATE)


@dataclass
class Preset:
    """A preset with a voice, as the command line uses it."""

    converter: VoiceConverter
    voice: VoiceProfile
    settings: PresetConfig

    @property
    def n_parameters(self) -> int:
        """Of the content encoder that the preset hears with and the generator."""
        networks = self.converter.networks
        assert isinstance(networks, TorchNetworks)
        encoder = networks.student if self.settings.encoder == "student" else networks.encoder
        return sum(p.numel() for part in (encoder, networks.generator(self.voice.adapted)) for p in part.parameters())

    def convert(self, wav: np.ndarray) -> np.ndarray:
        """wav: mono 16 kHz (T,) -> as long in time, at the converter's output rate."""
        return self.converter.convert(wav, self.voice, self.settings)

    def convert_file(self, source: Path, target: Path) -> None:
        """File to file, in constant memory."""
        self.converter.convert_file(source, target, self.voice, self.settings)

    def on(self, device: str) -> "Preset":
        """The same conversion on another device."""
        return replace(self, converter=VoiceConverter(device))


def system_of(name: str, target: Path, device: str = "cpu") -> Baseline | Preset:
    """The preset or baseline `name`, into the voice of the recording `target`."""
    if name == "world":
        references = [load_wav(target, RATE)[: int(REFERENCE_S * RATE)]]
        return Baseline(lambda wav: world_convert(wav, references, RATE))
    if name == "griffin-lim":
        return Baseline(lambda wav: griffin_lim(wav, RATE))
    converter = VoiceConverter(device)
    return Preset(converter, voice_of(target, converter), compose().presets[name])


def voice_of(target: Path, converter: VoiceConverter) -> VoiceProfile:
    """A voice from the first 30 s of a recording."""
    rate = converter.audio.output_rate
    recording = load_wav(target, rate)[: int(REFERENCE_S * rate)]
    return clone_voice("bench", [recording], networks=converter.networks)
