"""Stage train: adapts the base generator to each voice in adapt.json (dataset.adapt); a killed run continues."""

import shutil
from concurrent.futures import wait
from itertools import accumulate, chain

from rich.console import Console
from rich.progress import Progress
from safetensors.torch import load_file

from autovoice import tracking
from autovoice.audio.io import load_wav
from autovoice.config import Config
from autovoice.data.manifest import Segment, read_manifest
from autovoice.data_layout import ADAPTED, CHECKPOINTS, FEATURES, PREPARED, VOICES
from autovoice.errors import DataError
from autovoice.files import read_json, write_json
from autovoice.processes import worker_pool
from autovoice.stage import run_stage
from autovoice.training.adapt import AdaptResult, adapt, training_item
from autovoice.training.callbacks import read_history, write_history
from autovoice.training.mix import MAX_PERSON_S, drawn_people
from autovoice.training.resume import fingerprint, prepare_work
from autovoice.training.segments import Item
from autovoice.voice import VoiceProfile
from autovoice.weights import BASE_GENERATOR

MAX_PROBED_PEOPLE, MAX_PROBES = 4, 32


def item_of(segment: Segment, cfg: Config) -> Item:
    features = load_file(FEATURES / f"{segment.segment_id}.safetensors")
    spk_emb = features.pop("spk_emb").numpy()
    return training_item(features, load_wav(PREPARED / segment.path, cfg.audio.output_rate), spk_emb, cfg.audio)


def probes_for(speaker: str, segments: list[Segment]) -> list[Segment]:
    """Sentences that choose the checkpoint: dev, then training segments of up to four other people, English first.

    The people are those of the first dev segments, one of each person in turn. Four sentences alone chose by chance
    (docs/adr/0010-checkpoints-are-chosen-by-many-sentences.md).
    """
    known = [s for s in segments if s.speaker != speaker and s.split in ("dev", "train")]
    heard = [s for s in known if s.lang == "en"]
    if not any(s.split == "dev" for s in heard):
        heard = known
    heard.sort(key=lambda s: (s.split, s.segment_id.split("_")[-1], s.segment_id))
    people = {s.speaker for s in [s for s in heard if s.split == "dev"][:MAX_PROBED_PEOPLE]}
    return [s for s in heard if s.speaker in people][:MAX_PROBES]


def mixed_people(speaker: str, segments: list[Segment], cfg: Config) -> list[list[Segment]]:
    """Training segments of other speakers, a list a person, for trainer.mix; not of those whose sentences choose."""
    if not cfg.trainer.mix:
        return []
    kept_out = {speaker, *(s.speaker for s in probes_for(speaker, segments))}
    train = [s for s in segments if s.split == "train" and s.speaker not in kept_out]
    if not train:
        what = f"nobody is left to mix in beside {', '.join(sorted(kept_out))}, who are adapted to or choose"
        raise DataError(what, f"trainer.mix={cfg.trainer.mix:g}", "add speakers to the dataset, or set trainer.mix=0")
    names = drawn_people(list({s.speaker for s in train}), cfg.seed)
    return [_first_seconds([s for s in train if s.speaker == name]) for name in names]


def _first_seconds(segments: list[Segment]) -> list[Segment]:
    """Those that begin within the first MAX_PERSON_S of all together."""
    ends = accumulate(s.duration_s for s in segments)
    return [s for s, end in zip(segments, ends, strict=True) if end - s.duration_s < MAX_PERSON_S]


def adapt_speaker(speaker: str, segments: list[Segment], cfg: Config, num_threads: int) -> AdaptResult:
    """Runs in a process of its own."""
    train = [s for s in segments if s.speaker == speaker and s.split == "train"]
    if not train:
        raise DataError("no training segments", speaker, "run the prepare stage again")
    work = CHECKPOINTS / speaker
    mixed = mixed_people(speaker, segments, cfg)
    hashes = [s.sha256 for s in chain(train, *mixed)]
    prepare_work(work, fingerprint(cfg, hashes, BASE_GENERATOR))
    rate = cfg.audio.sample_rate
    targets = [load_wav(PREPARED / s.path, rate) for s in train]
    probes = [load_wav(PREPARED / s.path, rate) for s in probes_for(speaker, segments)]
    items, *others = ([item_of(s, cfg) for s in own] for own in (train, *mixed))
    voice = VoiceProfile.load(VOICES / speaker)
    result = adapt(voice, items, targets, probes, cfg, work, num_threads=num_threads, others=others)
    out = ADAPTED / speaker
    out.mkdir(parents=True, exist_ok=True)
    for name in ("weights.safetensors", "loss.csv", "selection.csv", "choice.json"):
        shutil.copyfile(work / name, out / name)
    shutil.rmtree(work)
    return result


def adapt_all(speakers: list[str], segments: list[Segment], cfg: Config) -> list[AdaptResult]:
    """Side by side on a CPU, where two voices of one thread each take half the time of one after the other."""
    workers = min(len(speakers), cfg.trainer.num_threads) if cfg.trainer.accelerator == "cpu" else 1
    num_threads = cfg.trainer.num_threads // workers
    with worker_pool(workers) as pool, Progress() as progress:
        jobs = [pool.submit(adapt_speaker, speaker, segments, cfg, num_threads) for speaker in speakers]
        bars = {speaker: progress.add_task(speaker, total=cfg.trainer.max_steps) for speaker in speakers}
        pending = set(jobs)
        while pending:
            _, pending = wait(pending, timeout=1)
            for speaker, bar in bars.items():
                steps = [row["step"] for row in read_history(CHECKPOINTS / speaker / "loss.csv")]
                progress.update(bar, completed=max(steps, default=progress.tasks[bar].completed))
        return [job.result() for job in jobs]


def track_losses(speaker: str) -> None:
    """Losses by step, also of the intervals before a kill, into the tracker."""
    for row in read_history(ADAPTED / speaker / "loss.csv"):
        losses = {f"{speaker}/train/{name}": value for name, value in row.items() if name != "step"}
        tracking.log_step_metrics(losses, int(row["step"]))


def write_curves(name: str, speakers: list[str]) -> None:
    """ADAPTED/name: the speakers' histories one below the other with a column speaker, for dvc plots."""
    parts = {speaker: read_history(ADAPTED / speaker / name) for speaker in speakers}
    write_history(ADAPTED / name, [{"speaker": speaker, **row} for speaker, rows in parts.items() for row in rows])


def main(cfg: Config) -> dict[str, float]:
    segments = read_manifest(PREPARED / "manifest.csv")
    metrics: dict[str, float] = {}
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    ADAPTED.mkdir(parents=True, exist_ok=True)
    speakers = read_json(PREPARED / "adapt.json", "python -m pipelines.prepare")
    for speaker, result in zip(speakers, adapt_all(speakers, segments, cfg), strict=True):
        track_losses(speaker)
        Console().print(
            f"{speaker}: step {result.step} of {result.steps_run}, CER {result.cer:.3f}, d-vector {result.similarity:.3f}"
        )
        metrics |= {
            f"{speaker}/cer": result.cer,
            f"{speaker}/dvector": result.similarity,
            f"{speaker}/step": float(result.step),
        }
    for name in ("loss.csv", "selection.csv"):
        write_curves(name, speakers)
    write_json(ADAPTED / "choice.json", metrics)
    return metrics


if __name__ == "__main__":
    run_stage(
        "train", main, uses=("seed", "audio", "content", "model", "optim", "trainer"), artifacts=("data/adapted/*.csv",)
    )
