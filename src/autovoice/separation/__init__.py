"""Separation of a song into vocal and accompaniment, behind one interface; what is not the vocal is the accompaniment."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from autovoice.errors import ConfigError

SAMPLE_RATE = 44100
SEPARATORS = ("spleeter", "demucs")


class Separator(Protocol):
    """Finds the vocal of a song; the rest of the mixture, to the sample, is the accompaniment."""

    name: str

    def vocals(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks (n, 2) float32 at 44.1 kHz -> blocks (m, 2) of the vocal, in all as long and aligned to the sample."""
        ...


def load_separator(name: str) -> Separator:
    """spleeter | demucs; raises ConfigError for another name, AutovoiceError where its weights cannot be had."""
    if name == "spleeter":
        from autovoice.separation.spleeter import Spleeter

        return Spleeter()
    if name == "demucs":
        from autovoice.separation.demucs import Demucs

        return Demucs()
    raise ConfigError(f"'{name}' is not a choice", "song.separator", f"choose from {', '.join(SEPARATORS)}")
