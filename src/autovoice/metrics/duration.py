"""Duration ratio: how long the result is against its source.

Unit: none. Range: 0 upward; 1 means the same length, 0.9 that a tenth is missing. Failure: NaN for an empty source.
The real-time factor (rtf) is measured by the converter itself and only passed through: compute seconds per audio
second.
"""


def duration_ratio(n_source: int, n_converted: int) -> float:
    """Samples of the converted audio over samples of the source, at one sample rate."""
    return n_converted / n_source if n_source else float("nan")
