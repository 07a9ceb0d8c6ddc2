"""Sharpening: formants that training on reconstruction losses has flattened get their contrast back.

A model that is taught by distances says the mean of what it is not sure of, whose spectrum has lower peaks and shallower
valleys than any one voice's. Postfilters of parametric synthesis raise the cepstrum to undo that (Yoshimura et al. 2005);
this one does so with the ripples as wide as formants, and leaves tilt and loudness.
"""

from functools import cache

import numpy as np

from autovoice.networks import LOWEST, Filters

WIDTHS_HZ = (600.0, 8000.0)  # of a ripple, from peak to peak


@cache
def _ripples(n_bins: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(bins -> how much of each ripple there is, ripples -> bins): the real cepstrum between two quefrencies."""
    first, last = round(sample_rate / WIDTHS_HZ[1]), round(sample_rate / WIDTHS_HZ[0])
    waves = np.cos(np.pi * np.outer(np.arange(n_bins), np.arange(first, last + 1)) / (n_bins - 1))
    weight = np.full(n_bins, 2.0 / (n_bins - 1))
    weight[[0, -1]] /= 2
    return (waves * weight[:, None]).astype(np.float32), waves.T.astype(np.float32)


def sharpened(filters: Filters, voiced: np.ndarray, share: float, sample_rate: int) -> Filters:
    """filters (B, T, bins) and voiced (B, T) -> the same with `share` more of the log spectra's ripples; each frame stays as
    loud as it was. Frame by frame: a stream gets what a file gets. sample_rate: of the output, in Hz."""
    if not share:
        return filters
    heard, drawn = _ripples(filters.harmonic.shape[-1], sample_rate)

    def raised(amplitude: np.ndarray) -> np.ndarray:
        return amplitude * np.exp(np.float32(share) * (np.log(np.maximum(amplitude, LOWEST)) @ heard @ drawn))

    return filters.reshaped(raised(filters.harmonic), raised(filters.breath), voiced)
