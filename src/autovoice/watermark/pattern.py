"""The keyed pattern: which bands are a little louder and which a little softer, at each moment of a period of 20.48 s.

A chip is 80 ms of one band, two frames up and two down or the other way round: its mean is zero, so that neither the level nor
the slow envelope of a voice looks like a chip. Even bands carry the pattern by which the mark is found. Odd bands carry four
patterns more, each shifted round the period by one byte of the payload (code shift keying).
"""

import hashlib

import numpy as np

FRAMES_PER_S = 50
CHIP_FRAMES = 4
N_CHIPS = 256  # a period, and the values of a byte
PERIOD_FRAMES = N_CHIPS * CHIP_FRAMES
PERIOD_S = PERIOD_FRAMES / FRAMES_PER_S
N_BANDS, LOWEST_HZ, BAND_HZ = 64, 300.0, 100.0  # up to 6.7 kHz: what 16 kHz and a codec of 64 kbit/s leave
N_SYMBOLS = 4  # bytes of the payload
STRENGTH_DB = 1.0  # of the lowest bands; measured: docs/watermark.md
MOST_TIMES = 1.75  # the strength
KEY = b"autovoice watermark 1"
SYNC_BANDS = np.arange(0, N_BANDS, 2)
SYMBOL_BANDS = [np.arange(1 + 2 * i, N_BANDS, 2 * N_SYMBOLS) for i in range(N_SYMBOLS)]


def template(key: bytes = KEY) -> np.ndarray:
    """(PERIOD_FRAMES, N_BANDS) of 1 and -1, for payload 0; from SHAKE-256, so that no library's generator can change it."""
    bits = np.frombuffer(hashlib.shake_256(key).digest(N_CHIPS * N_BANDS // 8), np.uint8)
    chips = 1.0 - 2.0 * np.unpackbits(bits).reshape(N_CHIPS, N_BANDS)
    return np.kron(chips, np.array([[1.0], [1.0], [-1.0], [-1.0]])).astype(np.float32)


def strengths() -> np.ndarray:
    """(N_BANDS,) from 1 to MOST_TIMES: the strength of each band, so that every filter of the ear moves about alike.

    A filter of width ERB (Glasberg & Moore 1990) averages ERB / BAND_HZ bands whose chips differ: the wider, the less it moves.
    """
    middle_hz = LOWEST_HZ + BAND_HZ * (np.arange(N_BANDS) + 0.5)
    erb_hz = 24.7 * (4.37e-3 * middle_hz + 1)
    return np.clip(np.sqrt(erb_hz / BAND_HZ), 1.0, MOST_TIMES)


def pattern(payload: int, key: bytes = KEY) -> np.ndarray:
    """The template with the odd bands shifted by the bytes of payload (0 to 2^32 - 1), the highest first."""
    shifted = template(key)
    for value, bands in zip(payload.to_bytes(N_SYMBOLS, "big"), SYMBOL_BANDS, strict=True):
        shifted[:, bands] = np.roll(shifted[:, bands], value * CHIP_FRAMES, 0)
    return shifted
