"""The accompaniment in another key at the same speed, in constant memory: FFmpeg's resampling and its WSOLA (atempo)."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from autovoice.errors import AutovoiceError


def in_octave(shift_st: float) -> float:
    """The shift within half an octave that leads to the same key: -6 up to 6 semitones."""
    return (shift_st + 6) % 12 - 6


def shifted(blocks: Iterable[np.ndarray], sample_rate: int, shift_st: float) -> Iterator[np.ndarray]:
    """Blocks (n, 1 or 2) float32 -> blocks of the same sound shift_st semitones higher, as long to within 10 ms."""
    try:
        import av
    except ImportError:
        raise AutovoiceError("shifting needs PyAV", "--shift-accompaniment", "pip install av") from None
    graph, n_taken, channels = None, 0, 1
    for block in blocks:
        channels = block.shape[1]
        layout, time_base = ("mono", "stereo")[channels - 1], Fraction(1, sample_rate)
        graph = graph or _graph(sample_rate, layout, 2 ** (shift_st / 12))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32).reshape(1, -1), "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, n_taken, time_base
        n_taken += len(block)
        graph.push(frame)
        yield from _pulled(graph, channels)
    if graph:
        graph.push(None)
        yield from _pulled(graph, channels)


def _graph(rate: int, layout: str, ratio: float) -> Any:
    """Played faster, resampled to the rate it had, and stretched again."""
    import av

    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout=layout, time_base=Fraction(1, rate))
    steps = (("asetrate", str(round(rate * ratio))), ("aresample", str(rate)), ("atempo", f"{1 / ratio:.9f}"))
    form = ("aformat", f"sample_fmts=flt:sample_rates={rate}:channel_layouts={layout}")
    graph.link_nodes(source, *(graph.add(*step) for step in (*steps, form)), graph.add("abuffersink")).configure()
    return graph


def _pulled(graph: Any, channels: int) -> Iterator[np.ndarray]:
    import av

    while True:
        try:
            yield graph.pull().to_ndarray().reshape(-1, channels)
        except (av.error.BlockingIOError, av.error.EOFError):
            return
