"""Evaluation protocols: who is converted into whom, drawn from a manifest with a seed and disjoint from training."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.config import Config, ProtocolConfig
from autovoice.convert import VoiceConverter
from autovoice.errors import DataError
from autovoice.evaluation.clips import CEILING_S, JUDGED_S, Clip, Cutter, Target
from autovoice.evaluation.conversions import Maker, convert_all, jobs_of, trial_row, write_table
from autovoice.evaluation.items import audio_sha
from autovoice.evaluation.overlap import Trained, overlaps, refuse
from autovoice.evaluation.people import Person, read_people
from autovoice.evaluation.run import check_names, evaluate
from autovoice.evaluation.trials import Trial, copies, crossed, paired, shortfalls, trials_of
from autovoice.tts.front_end import FrontEnd, load_front_end
from autovoice.weights import BASE_GENERATOR


def build_trials(
    p: ProtocolConfig, cutter: Cutter, seed: int, known: set[str], read: Sequence[Clip] = ()
) -> tuple[list[Trial], list[str]]:
    """The trials of a protocol, their audio cut below cutter.out; and sentences about what was left out.

    known: whom training heard, the only targets of `seen`; read: the sources of `speak`.

    Raises DataError for an unusable manifest, people who have too little speech, and fewer people than asked for.
    """
    people, notes = _people_of(p, p.target_split or p.split, p.target_kind), list[str]()
    if p.name == "seen" and not (people := [person for person in people if person.name in known]):
        what = f"training heard nobody of the split {p.target_split or p.split!r}"
        raise DataError(what, p.manifest, "name the split of training in protocol.target_split")
    if p.name == "fewshot":
        targets = _most_speech(p, people, cutter)
        notes = shortfalls(targets, p.reference_s)
    else:
        cut = cutter.halved if p.name == "seen" else cutter.target
        targets = _drawn_targets(p, people, seed, lambda person: cut(person, p.reference_s[0]))
    if p.name == "copy":
        return copies(targets), notes
    if p.name == "speak":
        return crossed(read, targets), notes
    if p.name == "seedvc":
        return crossed(
            _utterances(p, "speech", p.n_sources, {t.person.name for t in targets}, cutter, seed), targets
        ), notes
    if p.name == "singing":
        sources = _utterances(p, "singing", p.n_pairs, set(), cutter, seed)
    else:
        english = [person for person in _people_of(p, p.split, "speech") if person.english]
        sources = [clip for person in english if (clip := cutter.source(person))]
    pairs = paired(sources, targets, p.n_pairs, np.random.default_rng(seed))
    trials = trials_of(pairs, "singing" if p.name == "singing" else "conversion")
    return trials + (copies(list({id(t): t for _, t in pairs}.values())) if p.name == "zero-shot" else []), notes


def _people_of(p: ProtocolConfig, split: str, kind: str) -> list[Person]:
    """Speakers of the half, or all singers: these only measure."""
    if not p.manifest:
        where = "protocol.manifest (in pretraining: pretrain.manifest)"
        raise DataError("no manifest is named", where, "name a CSV of recordings, see docs/evaluation.md")
    manifest = Path(p.manifest)
    root = Path(p.root) if p.root else manifest.parent
    return read_people(manifest, root, split, kind, "all" if kind == "singing" else p.half)


def _shuffled(people: list[Person], seed: int, draw: int) -> list[Person]:
    return [people[i] for i in np.random.default_rng([seed, draw]).permutation(len(people))]


def _drawn_targets(
    p: ProtocolConfig, people: list[Person], seed: int, cut: Callable[[Person], Target | None]
) -> list[Target]:
    """As many as can be needed, by name. seedvc and copy need them all, the others repeat those there are."""
    n = p.n_references if p.name in ("seedvc", "speak") else p.n_pairs
    found = list(islice((target for person in _shuffled(people, seed, 1) if (target := cut(person))), n))
    asked = "n_references" if p.name in ("seedvc", "speak") else "n_pairs"
    needed_s = p.reference_s[0] + (0.0 if p.name == "seen" else CEILING_S[0])
    _require_people(p, len(found), n if p.name in ("seedvc", "speak", "copy") else 1, needed_s, f"protocol.{asked}={n}")
    return sorted(found, key=lambda target: target.person.name)


def _most_speech(p: ProtocolConfig, people: list[Person], cutter: Cutter) -> list[Target]:
    """The n_references people who have the most, so that as many as can be are heard at every length."""
    held_s = JUDGED_S + CEILING_S[1]
    length = {person.name: len(cutter.speech(person, held_s + max(p.reference_s))[0]) for person in people}
    ordered = sorted(people, key=lambda person: (-length[person.name], person.name))
    cut = (cutter.held_out(person, p.reference_s) for person in ordered)
    found = list(islice(filter(None, cut), p.n_references))
    where = f"protocol.n_references={p.n_references}"
    _require_people(p, len(found), p.n_references, held_s + min(p.reference_s), where)
    return found


def _require_people(p: ProtocolConfig, n: int, needed: int, seconds: float, where: str) -> None:
    if n < needed:
        who = f"only {n} {'people' if n > 1 else 'person'}" if n else "nobody"
        what = (
            f"{who} of the split {p.target_split or p.split!r} (half {p.half!r}) with {seconds:g} s of speech or more"
        )
        raise DataError(what, where, "ask for fewer, or name a larger corpus")


def _utterances(p: ProtocolConfig, kind: str, n: int, not_of: set[str], cutter: Cutter, seed: int) -> list[Clip]:
    """n recordings of people other than `not_of`: English where they speak, in any language where they sing; songs may be
    fewer, since each goes into several targets."""
    people = [person for person in _people_of(p, p.split, kind) if person.name not in not_of]
    people = [person for person in people if person.english or kind == "singing"]
    found = list(islice(cutter.utterances(_shuffled(people, seed, 2)), n))
    if len(found) < n and kind == "speech":
        what = f"only {len(found)} English recordings of {len(people)} people are left beside the references"
        raise DataError(what, f"protocol.n_sources={n}", "ask for fewer, or name a larger corpus")
    return found


def check_training(trials: Iterable[Trial], trained: list[Trained], seen: bool, where: str) -> list[Trained]:
    """The training list as the evaluation must take it; raises DataError that names people and recordings which trained.

    seen: targets were heard in training and their training recordings may be references; sources were not.
    """
    trials = list(trials)
    targets = {trial.target.person.name for trial in trials}
    if seen:
        trained = [replace(t, use="adaptation") if t.speaker in targets else t for t in trained]
    judged = {audio_sha(path): str(path) for trial in trials for path in trial.source.recordings}
    references = {audio_sha(path): str(path) for trial in trials for path in trial.target.recordings}
    if not seen:  # ceilings come from the same recordings
        judged |= references
    refuse(overlaps(trained, targets | {t.source.person.name for t in trials}, judged, references), where)
    return trained


def run_protocol(
    cfg: Config, p: ProtocolConfig, out: Path, trained: list[Trained], say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Draws, checks, converts and measures below `out`: trials.csv, wav, pairs.csv, metrics. Returns the summary.

    trained: what p.weights were trained on. say: takes sentences about what was left out.
    """
    measured = replace(cfg.evaluate, metrics=p.metrics or cfg.evaluate.metrics)
    check_names(measured)
    cutter = Cutter(out / "speech", cfg.audio)
    front_end, read = _reading(cfg, p, cutter)
    trials, notes = build_trials(p, cutter, cfg.seed, {t.speaker for t in trained}, read)
    trained = check_training(trials, trained, p.name == "seen", p.manifest)
    write_table(out / "trials.csv", [trial_row(trial, out) for trial in trials])
    for note in notes:
        say(note)
    weights = Path(p.weights) if p.weights else BASE_GENERATOR
    converter = VoiceConverter("cpu", weights=weights, audio=cfg.audio, content=cfg.content)
    jobs = jobs_of(trials, p.name, p.presets, out)
    table = convert_all(jobs, _maker(cfg, converter, front_end), out)
    return evaluate(table, out / "metrics", measured, cfg.seed, trained=trained)


def _reading(cfg: Config, p: ProtocolConfig, cutter: Cutter) -> tuple[FrontEnd | None, list[Clip]]:
    """The front-end of `speak` and what it reads as itself; none for the other protocols."""
    if p.name != "speak":
        return None, []
    from autovoice.evaluation.speaking import read_aloud

    front_end = load_front_end(cfg.tts)
    return front_end, read_aloud(front_end, p.n_sources, cutter.out)


def _maker(cfg: Config, converter: VoiceConverter, front_end: FrontEnd | None) -> Maker:
    if front_end is None:
        return Maker(converter, cfg.presets, cfg.seed)
    from autovoice.evaluation.speaking import SpeakingMaker

    return SpeakingMaker(converter, cfg.presets, cfg.seed, front_end)
