"""One conversion measured as `autovoice evaluate` measures it, in a process that ends with it and takes its memory along."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autovoice.voice import Progress

WANTED = {"secs", "campp", "f0", "asr", "dnsmos", "duration", "signal"}


def measure(
    source: Path, converted: Path, references: Sequence[Path], text: str, lang: str, on_progress: Progress
) -> dict[str, Any]:
    """{"metrics": metric -> value, None where it is not defined for this audio (docs/evaluation.md says what each means),
    "anchors": of similarities, what the unconverted source (floor) and the person's own recordings (ceiling) reach}."""
    from autovoice.evaluation.cache import MeasureCache
    from autovoice.evaluation.compute import compute
    from autovoice.evaluation.pairs import Pair

    pair = Pair(1, source, tuple(references), converted, text=text, lang=lang)
    (row,) = compute([pair], WANTED, 1, MeasureCache(None), on_progress)
    return {"metrics": row.values, "anchors": row.anchors}
