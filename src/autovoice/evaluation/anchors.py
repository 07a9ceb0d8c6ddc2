"""What every table holds beside its systems: the source as it is, and WORLD's pitch and envelope conversion."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

from autovoice.audio.io import load_wav, save_wav
from autovoice.errors import AudioError
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.items import audio_sha, joint_sha
from autovoice.evaluation.pairs import Pair
from autovoice.files import replacing
from autovoice.processes import worker_pool

ANCHOR = "anchor/"
ANCHORS = ("source", "world")
RATE = 16000


def distinct(pairs: list[Pair]) -> list[Pair]:
    """The first pair of each source and references, conversions only."""
    found: dict[tuple[Path, tuple[Path, ...]], Pair] = {}
    for pair in pairs:
        if pair.kind == "conversion":
            found.setdefault((pair.source, pair.target_refs), pair)
    return list(found.values())


def _world(job: tuple[Path, tuple[Path, ...], Path, MeasureCache]) -> None:
    source, references, out, kept = job
    known = kept.path((source, *references), "world")
    before = known.with_suffix(".wav") if known else None
    if before and before.is_file():
        with replacing(out) as temporary:
            shutil.copyfile(before, temporary)
        return
    from autovoice.baselines import world_convert

    try:
        wav, *refs = (load_wav(path, RATE) for path in (source, *references))
    except AudioError:
        return
    made = world_convert(wav, refs, RATE)
    for path in filter(None, (before, out)):
        save_wav(path, made, RATE)


def with_anchors(
    pairs: list[Pair], anchors: list[str], n_world: int, out: Path, num_workers: int, kept: MeasureCache
) -> list[Pair]:
    """The pairs, then those of the anchors: the source of each, and WORLD's conversion (below `out`) of n_world of them.

    Sources that cannot be read have no WORLD conversion; they fail as what they are. kept: where conversions that were made
    before are looked up.
    """
    cases = [replace(p, preset="", rtf=None, latency_ms=None, memory_mb=None) for p in distinct(pairs)]
    added: list[Pair] = []
    if "source" in anchors:
        added += [replace(p, converted=p.source, system=f"{ANCHOR}source", pitch_st=0.0) for p in cases]
    if "world" in anchors:
        jobs: list[tuple[Path, tuple[Path, ...], Path, MeasureCache]] = []
        for pair in cases[:: max(1, -(-len(cases) // n_world))]:
            name = hashlib.sha256(f"{audio_sha(pair.source)} {joint_sha(pair.target_refs)}".encode()).hexdigest()[:20]
            jobs.append((pair.source, pair.target_refs, out / "world" / f"{name}.wav", kept))
            added.append(replace(pair, converted=jobs[-1][2], system=f"{ANCHOR}world", pitch_st=None))
        missing = [job for job in jobs if not job[2].is_file()]
        if missing:
            with worker_pool(num_workers) as pool:
                list(pool.map(_world, missing))
    return [*pairs, *added]
