"""What every table holds beside its systems: the source as it is, and WORLD's pitch and envelope conversion."""

import hashlib
from dataclasses import replace
from pathlib import Path

from autovoice.audio.io import load_wav, save_wav
from autovoice.evaluation.items import audio_sha, joint_sha
from autovoice.evaluation.pairs import Pair
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


def _world(job: tuple[Path, tuple[Path, ...], Path]) -> None:
    from autovoice.baselines import world_convert

    source, references, out = job
    made = world_convert(load_wav(source, RATE), [load_wav(path, RATE) for path in references], RATE)
    save_wav(out, made, RATE)


def with_anchors(pairs: list[Pair], anchors: list[str], n_world: int, out: Path, num_workers: int) -> list[Pair]:
    """The pairs, then those of the anchors: the source of each, and WORLD's conversion (below `out`) of n_world of them.

    Sources that cannot be read have no WORLD conversion; they fail as what they are.
    """
    cases = [replace(p, preset="", rtf=None, latency_ms=None, memory_mb=None) for p in distinct(pairs)]
    added: list[Pair] = []
    if "source" in anchors:
        added += [replace(p, converted=p.source, system=f"{ANCHOR}source", pitch_st=0.0) for p in cases]
    if "world" in anchors:
        jobs: list[tuple[Path, tuple[Path, ...], Path]] = []
        for pair in cases[:: max(1, -(-len(cases) // n_world))]:
            name = hashlib.sha256(f"{audio_sha(pair.source)} {joint_sha(pair.target_refs)}".encode()).hexdigest()[:20]
            jobs.append((pair.source, pair.target_refs, out / "world" / f"{name}.wav"))
            added.append(replace(pair, converted=jobs[-1][-1], system=f"{ANCHOR}world", pitch_st=None))
        missing = [job for job in jobs if not job[-1].is_file()]
        if missing:
            with worker_pool(num_workers) as pool:
                list(pool.map(_world, missing))
    return [*pairs, *added]
