"""Adaptation against seconds of a voice and steps: the same sentences, converted with what each validation step kept.

Readers are taken at several lengths, the shorter the beginning of the longer; what they are compared with is never adapted
on. A row a conversion; a killed study goes on with the first cell (reader, seconds, variant) that has no rows.
"""

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.audio.io import load_wav, save_wav
from autovoice.config import Config, TrainerConfig
from autovoice.convert import VoiceConverter
from autovoice.errors import DataError
from autovoice.evaluation.cache import MeasureCache
from autovoice.evaluation.clips import Cutter, Target
from autovoice.evaluation.compute import Facts, measure_files
from autovoice.evaluation.conversions import write_table
from autovoice.evaluation.people import Person, read_people
from autovoice.files import sha256_file
from autovoice.metrics.speaker import cosine
from autovoice.voice import VoiceProfile, clone_voice
from autovoice.weights import BASE_GENERATOR

SPEAKER = ("secs", "campp")
METRICS = (*SPEAKER, "cer")
MIXED_S = 15.0  # of each person that a variant mixes in
StudyRow = dict[str, str]


@dataclass
class Adapted:
    """What an adaptation kept: weights by step, 0 the base, and the step that it chose."""

    weights: dict[int, Path]
    chosen: int


# Adapts a voice to recordings (T,) at the output rate below a work folder; training is not a neighbour of this room.
Adapt = Callable[[VoiceProfile, list[np.ndarray], TrainerConfig, Path], Adapted]


@dataclass
class Cell:
    """One adaptation. key: changes with anything that its rows depend on."""

    target: Target
    seconds: float
    variant: str
    trainer: TrainerConfig
    key: str

    @property
    def name(self) -> StudyRow:
        return {"reader": self.target.person.name, "seconds": f"{self.seconds:g}", "variant": self.variant}


class Judge:
    """Hears each file once. kept: where measurements of earlier runs are."""

    def __init__(self, kept: MeasureCache) -> None:
        self.kept, self._known = kept, dict[tuple[Path, ...], Facts]()

    def certain(self, paths: tuple[Path, ...], needs: tuple[str, ...]) -> Facts:
        """Facts of a source or target; raises DataError where one cannot be measured."""
        if paths not in self._known:
            self._known[paths] = measure_files((paths, needs, self.kept))
        if faults := [fault for name, fault in self._known[paths].items() if name.endswith(" fault")]:
            raise DataError(f"cannot be measured ({faults[0]})", str(paths[0]), "see autovoice doctor")
        return self._known[paths]

    def said(self, source: Path) -> str:
        """The recogniser's transcript of a source."""
        return self.certain((source,), ("asr",))["asr"]

    def score(self, source: Path, made: Path, target: Target, seconds: float) -> StudyRow:
        """METRICS of a conversion, those of the target's own held-out speech, and why one of them is empty."""
        from autovoice.metrics.asr import cer

        refs, ceiling = self.certain(tuple(target.judged[seconds]), SPEAKER), dict[str, Any]()
        if target.ceiling:
            ceiling = self.certain((target.ceiling,), SPEAKER)
        heard = measure_files(((made,), ("asr", *SPEAKER), self.kept))
        values = {name: cosine(heard[name], refs[name]) for name in SPEAKER if name in heard}
        if "asr" in heard:
            values["cer"] = cer(self.said(source), heard["asr"])
        ceilings = {f"{name}_ceiling": cosine(ceiling[name], refs[name]) for name in SPEAKER if name in ceiling}
        row = {name: f"{value:.5f}" for name, value in (values | ceilings).items()}
        names = (*METRICS, *(f"{name}_ceiling" for name in SPEAKER))
        faults = [str(fault) for name, fault in heard.items() if name.endswith(" fault")]
        return {name: row.get(name, "") for name in names} | {"fault": "; ".join(faults)}


class AdaptationStudy:
    """The cells of cfg.adaptation_study below `out`: speech/ that was cut, rows.csv."""

    def __init__(self, cfg: Config, out: Path) -> None:
        self.cfg, self.study, self.out = cfg, cfg.adaptation_study, out
        self.cutter = Cutter(out / "speech", cfg.audio)
        self.weights = Path(self.study.weights) if self.study.weights else BASE_GENERATOR
        self.judge = Judge(MeasureCache.default(cfg.evaluate.cache))
        self.people = {person.name: person for person in self._people("dev")}
        self.sources = self._sources()

    def run(self, adapt: Adapt, say: Callable[[str], None] = print) -> list[StudyRow]:
        """Rows of all cells in order, measured here or before."""
        path, cells, found = self.out / "rows.csv", list(self.cells()), list[StudyRow]()
        known = read_rows(path)
        converter = VoiceConverter("cpu", self.weights, audio=self.cfg.audio, content=self.cfg.content)
        for number, cell in enumerate(cells, 1):
            own = [row for row in known if row["key"] == cell.key]
            if not own:
                say(f"{number} of {len(cells)}: {', '.join(cell.name.values())}")
                own = self._measure(cell, adapt, converter)
                known = [row for row in known if not cell.name.items() <= row.items()] + own
                write_table(path, known)
                shutil.rmtree(self.out / "cell")
            found += own
        return found

    def _measure(self, cell: Cell, adapt: Adapt, converter: VoiceConverter) -> list[StudyRow]:
        cfg, target, work = self.cfg, cell.target, self.out / "cell"
        wavs = [load_wav(path, cfg.audio.output_rate) for path in target.references[cell.seconds]]
        voice = clone_voice(target.person.name, wavs, networks=converter.networks)
        adapted = adapt(voice, wavs, cell.trainer, work)
        wanted = {0, adapted.chosen, max(adapted.weights)}
        rows = []
        for step in sorted(adapted.weights if self.study.every_step else wanted):
            voice.adapted, chosen = adapted.weights[step], str(int(step == adapted.chosen))
            for source in self.sources:
                made = work / "wav" / f"{step}_{source.stem}.wav"
                converter.convert_file(source, made, voice, cfg.presets[self.study.preset], seed=cfg.seed)
                facts = {"key": cell.key, **cell.name, "step": str(step), "chosen": chosen, "source": source.stem}
                rows.append(facts | self.judge.score(source, made, target, cell.seconds))
        return rows

    def cells(self) -> Iterator[Cell]:
        """The shortest length of everyone first, so that a study that was stopped says something of all readers."""
        targets = [self._target(name) for name in self.study.readers]
        names = self.study.only or list(self.study.variants)
        trainers = {name: replace(self.cfg.trainer, **self.study.variants[name]) for name in names}
        for name, trainer in trainers.items():
            if trainer.mix and not trainer.mix_dir:
                trainers[name] = replace(trainer, mix_dir=str(self.mixed))
        for seconds, target, name in product(sorted(self.study.seconds), targets, names):
            key = self._key(trainers[name], [*target.references[seconds], *target.judged[seconds]])
            yield Cell(target, seconds, name, trainers[name], key)

    def _key(self, trainer: TrainerConfig, files: list[Path]) -> str:
        cfg, study = self.cfg, self.study
        settings = [cfg.seed, cfg.audio, cfg.content, cfg.model, cfg.optim, replace(trainer, num_threads=1)]
        own = [cfg.presets[study.preset], study.every_step, study.n_mix_people if trainer.mix else 0]
        hashes = [sha256_file(path) for path in (self.weights, *files, *self.sources)]
        return hashlib.sha256(repr([*settings, *own, *hashes]).encode()).hexdigest()[:12]

    def _people(self, split: str) -> list[Person]:
        manifest = Path(self.cfg.pretrain.manifest)
        return read_people(manifest, Path(self.cfg.pretrain.root or manifest.parent), split)

    def _target(self, name: str) -> Target:
        where, longest = f"adaptation_study.readers={name}", max(self.study.seconds)
        if name not in self.people:
            raise DataError("speaks nothing of the split dev", where, "name a speaker of pretrain.manifest")
        target = self.cutter.held_out(self.people[name], self.study.seconds)
        if target is None or longest not in target.references:
            what = f"has too little speech for {longest:g} s beside the 20 s that are kept to judge by"
            raise DataError(what, where, "name other adaptation_study.seconds")
        return target

    def _sources(self) -> list[Path]:
        """Sentences that the recogniser reads, each person's first before anyone's second; settings are chosen on one half."""
        people = [p for p in self.people.values() if p.english and p.half == "choose"]
        others = [p for p in people if p.name not in self.study.readers]
        order = np.random.default_rng(self.cfg.seed).permutation(len(others))
        clips = self.cutter.utterances([others[i] for i in order])
        found = list(islice((clip.path for clip in clips if self.judge.said(clip.path)), self.study.n_sources))
        if len(found) < self.study.n_sources:
            what = f"only {len(found)} English sentences of other people (the half that settings are chosen on)"
            raise DataError(what, f"adaptation_study.n_sources={self.study.n_sources}", "ask for fewer")
        return found

    @cached_property
    def mixed(self) -> Path:
        """A folder with MIXED_S of each of n_mix_people of the training split."""
        people, folder = self._people("train"), self.cutter.out / "mix"
        order = np.random.default_rng([self.cfg.seed, 1]).permutation(len(people))
        shutil.rmtree(folder, ignore_errors=True)
        for person in (people[i] for i in order[: self.study.n_mix_people]):
            wav, _ = self.cutter.speech(person, MIXED_S)
            save_wav(folder / f"{person.file_name}.flac", wav, self.cfg.audio.output_rate)
        return folder


def read_rows(path: Path) -> list[StudyRow]:
    """What a study has measured so far; none without a file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
