"""The weights that ship with the package, and how a generator's file names its own sizes."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from autovoice.config import AudioConfig, ModelConfig
from autovoice.errors import AssetError

if TYPE_CHECKING:  # the run time without torch asks for paths and facts alone
    from torch import Tensor

BASE_GENERATOR = Path(__file__).parent / "base.safetensors"
BASE_TRAINING = Path(__file__).parent / "base_training.csv"  # whom and what it was trained on
CONTENT_ENCODER = Path(__file__).parent / "content.safetensors"
CONTENT_STUDENT = Path(__file__).parent / "student.safetensors"  # hears the words for the preset fast and for streams


def model_metadata(model: ModelConfig, audio: AudioConfig, **more: int) -> dict[str, str]:
    """What save_weights writes into the file's header so that it can be loaded without a configuration.

    One key alone: safetensors leaves the order of several to chance, and the same weights are to be the same file.
    """
    facts = {"model": asdict(model), "output": output_pair(audio), **more}
    return {"facts": json.dumps(facts, sort_keys=True)}


def facts_of(path: Path) -> dict[str, Any]:
    """model_metadata's facts of a generator's file; older files have a key each, the oldest ones none."""
    with safe_open(path, "numpy") as stream:
        metadata = stream.metadata() or {}
    return json.loads(metadata["facts"]) if "facts" in metadata else {k: json.loads(v) for k, v in metadata.items()}


def output_pair(audio: AudioConfig) -> tuple[int, int]:
    """(rate in Hz, n_fft) at which a generator of that configuration speaks."""
    return audio.output_rate, audio.output_n_fft


def output_of(path: Path) -> tuple[int, int]:
    """The same of a generator's file; the oldest ones do not say, and speak at 16 kHz."""
    rate, n_fft = facts_of(path).get("output", (16000, 1024))
    return rate, n_fft


def check_output(path: Path, audio: AudioConfig) -> None:
    """Raises AssetError without such a file, and for weights that speak at another rate or in other frames than `audio` says."""
    if not path.is_file():
        raise AssetError("no such weights", str(path), "run autovoice doctor")
    made_for = output_of(path)
    if made_for != output_pair(audio):
        what, asked = (f"{rate} Hz in frames of {n_fft} samples" for rate, n_fft in (made_for, output_pair(audio)))
        raise AssetError(f"speaks at {what}, not at {asked}", str(path), "adapt the voice again")


def load_generator_state(
    path: Path, audio: AudioConfig, model: ModelConfig | None = None
) -> tuple[ModelConfig, "dict[str, Tensor]"]:
    """(sizes, float32 state dict of the generator) in a file written by training; raises AssetError as check_output."""
    check_output(path, audio)
    with safe_open(path, "pt") as stream:
        names = [name for name in stream.keys() if name.startswith("generator.")]  # noqa: SIM118 - safe_open has no iterator
        state = {name.removeprefix("generator."): stream.get_tensor(name).float() for name in names}
    if model is None:
        model = ModelConfig(**facts_of(path).get("model", {}))
    return model, state
