"""Other people's recordings among a voice's own in adaptation, so that the model does not forget how words are said."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autovoice.audio.io import load_wav
from autovoice.config import TrainerConfig
from autovoice.data.sources import SUFFIXES
from autovoice.errors import ConfigError, DataError

MAX_PEOPLE, MAX_PERSON_S = 40, 60.0  # twice and more what 480 steps of 6 segments draw at a quarter; bounds the memory


def drawn_people(names: Sequence[str], seed: int) -> list[str]:
    """At most MAX_PEOPLE of the names, sorted; the same for the same seed."""
    names = sorted(names)
    return [names[i] for i in sorted(np.random.default_rng(seed).permutation(len(names))[:MAX_PEOPLE])]


def read_mix(trainer: TrainerConfig, rate: int, seed: int) -> list[list[np.ndarray]]:
    """Recordings at `rate` (T,) of the people in trainer.mix_dir, at most MAX_PERSON_S of each; none where mix is 0.

    A folder in it is a person, and so is a file that lies beside the folders. Raises ConfigError where mix_dir is not
    named, DataError where it holds no recordings.
    """
    if not trainer.mix:
        return []
    if not trainer.mix_dir:
        remedy = f"trainer.mix={trainer.mix:g} needs trainer.mix_dir=FOLDER with recordings of other people"
        raise ConfigError("is empty", "trainer.mix_dir", remedy)
    people = _people_in(Path(trainer.mix_dir))
    return [_first_seconds(people[name], rate) for name in drawn_people(list(people), seed)]


def _people_in(folder: Path) -> dict[str, list[Path]]:
    people: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith("."):
            people.setdefault(path.relative_to(folder).parts[0], []).append(path)
    if not people:
        remedy = "name a folder with recordings, a folder a person"
        raise DataError("holds no recordings", f"trainer.mix_dir={folder}", remedy)
    return people


def _first_seconds(paths: list[Path], rate: int) -> list[np.ndarray]:
    wavs, left = list[np.ndarray](), int(MAX_PERSON_S * rate)
    for path in paths:
        if left > 0:
            wavs.append(load_wav(path, rate)[:left])
            left -= len(wavs[-1])
    return wavs


def draw_weights(n_others: int, mix: float) -> np.ndarray:
    """How often a segment is drawn from the voice itself and from each of n_others: (1 + n_others,), `mix` for all others."""
    return np.array([1 - mix, *[mix / n_others] * n_others]) if n_others else np.ones(1)
