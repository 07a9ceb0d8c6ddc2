"""Demucs (htdemucs) through its own package, which fetches its weights from its own server.

Rouard et al. 2023, "Hybrid Transformers for Music Source Separation". Slower than Spleeter by far, and better.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch

from autovoice.errors import AssetError, AutovoiceError

MODEL = "htdemucs"
PIECE, OVERLAP = 40 * 44100, 2 * 44100  # samples


class Demucs:
    """Holds the model, and of a song no more than 40 s."""

    name = "demucs"

    def __init__(self) -> None:
        """Raises AutovoiceError where the package is not installed, AssetError where its weights cannot be had."""
        try:
            from demucs.pretrained import get_model
        except ImportError as error:
            remedy = "pip install 'autovoice[demucs]', or take spleeter"
            raise AutovoiceError("the package demucs is not installed", "song.separator=demucs", remedy) from error
        try:
            self.model = get_model(MODEL).eval()
        except (OSError, RuntimeError) as error:  # URLError is an OSError
            remedy = "check the network, or take spleeter"
            raise AssetError(f"the weights of {MODEL} were not fetched ({error})", "demucs", remedy) from error

    def vocals(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """As Separator.vocals."""
        return in_pieces(blocks, self._piece)

    @torch.no_grad()
    def _piece(self, mixture: np.ndarray) -> np.ndarray:
        from demucs.apply import apply_model

        wav = torch.from_numpy(mixture.T.copy())
        mean, std = wav.mean(), wav.mean(0).std() + 1e-8  # as Demucs itself hears a song
        stems = apply_model(self.model, ((wav - mean) / std)[None], split=True)[0]
        return (stems[self.model.sources.index("vocals")] * std + mean).T.numpy()


def in_pieces(
    blocks: Iterator[np.ndarray],
    work: Callable[[np.ndarray], np.ndarray],
    piece: int = PIECE,
    overlap: int = OVERLAP,
) -> Iterator[np.ndarray]:
    """Blocks (n, 2) -> work's answers to pieces of that many samples, which fade into each other over the overlap."""
    rise = np.linspace(0, 1, overlap + 2, dtype=np.float32)[1:-1, None]
    held, tail = np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    for block in itertools.chain(blocks, [None]):
        held = held if block is None else np.concatenate([held, block])
        while len(held) >= piece if block is not None else len(held) > len(tail):
            made = work(held[:piece])
            n_fade = min(len(tail), len(made))
            made[:n_fade] = tail[:n_fade] * (1 - rise[:n_fade]) + made[:n_fade] * rise[:n_fade]
            last = block is None and len(held) <= piece
            n = len(made) if last else piece - overlap
            yield made[:n]
            held, tail = held[n:], made[n:]
    if len(held):
        yield tail
