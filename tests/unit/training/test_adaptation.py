"""Adaptation that keeps words: low-rank updates, other people mixed in, and the study that measures both."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from audio_files import RATE, at_rate, speech

from autovoice.audio.io import save_wav
from autovoice.config import AudioConfig, Config, ContentConfig, ModelConfig, TrainerConfig, compose
from autovoice.data.manifest import Segment
from autovoice.errors import ConfigError, DataError
from autovoice.evaluation.people import Person
from autovoice.models.content import load_content_encoder
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.studies.adaptation import Adapt, AdaptationStudy, Adapted
from autovoice.studies.adaptation_report import base, chosen, last, markdown, plot
from autovoice.training.adapt import adapt, choose_trainable, items_of
from autovoice.training.low_rank import merged_state
from autovoice.training.mix import MAX_PEOPLE, draw_weights, drawn_people, read_mix
from autovoice.training.module import GeneratorTraining, Schedule, save_weights
from autovoice.training.resume import fingerprint, prepare_work
from autovoice.training.segments import SegmentBatches, SegmentConfig
from autovoice.voice import VoiceProfile, clone_voice
from autovoice.weights import BASE_GENERATOR, load_generator_state, model_metadata
from pipelines.pretraining.adaptation import adapter
from pipelines.train import MAX_PROBES, mixed_people, probes_for

TINY = ModelConfig("tiny", dim=16, n_content_blocks=1, n_blocks=1, bottleneck=8, n_heads=2)
AUDIO = AudioConfig()
OUT_RATE = AUDIO.output_rate


def inputs() -> dict[str, torch.Tensor]:
    """A batch of two segments of 0.4 s, with a reference of 0.4 s."""
    torch.manual_seed(1)
    n = 40 * AUDIO.output_hop
    return {
        "content": torch.randn(2, 20, 512), "f0": torch.full((2, 40), 150.0), "f0_filled": torch.full((2, 40), 150.0),
        "loudness": torch.zeros(2, 40), "wav": 0.1 * torch.randn(2, n), "band_hz": torch.tensor([8000.0, 8000.0]),
        "spk_emb": torch.randn(2, 256), "ref_content": torch.randn(2, 20, 512), "ref_mel": torch.randn(2, 20, 80),
    }  # fmt: skip


def low_rank_training() -> GeneratorTraining:
    """Two ranks, an average that moves half of the way at each step."""
    torch.manual_seed(0)
    generator = Generator(TINY, AUDIO, ContentConfig())
    choose_trainable(generator, "low_rank", rank=2)
    schedule = Schedule(1e-2, 1e-2, 1, 1000, -1, ema_decay=0.5)
    return GeneratorTraining(generator, Discriminators((256,), 4), schedule, AUDIO)


def take_steps(training: GeneratorTraining, n: int) -> None:
    """n steps on one batch, without a trainer."""
    batch, (optimizer, _) = inputs(), training.configure_optimizers()
    for _ in range(n):
        wav = training.synthesise(batch)
        optimizer.zero_grad()
        (wav - batch["wav"]).abs().mean().backward()
        optimizer.step()
        with torch.no_grad():
            for average, value in zip(training.ema.parameters(), training.generator.parameters(), strict=True):
                average.lerp_(value, 0.5)


def test_updates_change_nothing_before_the_first_step() -> None:
    torch.manual_seed(0)
    plain = Generator(TINY, AUDIO, ContentConfig())
    state = merged_state(low_rank_training().generator)
    assert state.keys() == plain.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in plain.state_dict().items())


def test_only_the_updates_move() -> None:
    training = low_rank_training()
    before = {name: value.clone() for name, value in training.generator.named_parameters()}
    take_steps(training, 3)
    moved = {name for name, value in training.generator.named_parameters() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.endswith((".parametrizations.weight.0.up", ".parametrizations.weight.0.down")) for name in moved)
    layers = {name.split(".parametrizations.")[0] for name in moved}
    assert {"blocks.0.up", "content_blocks.0.ada", "reference.query", "head.envelopes"} <= layers
    assert not layers & {"bottleneck", "inp", "spk.0", "prosody"}


def test_the_saved_file_is_a_plain_generator_that_says_the_same(tmp_path: Path) -> None:
    training = low_rank_training()
    take_steps(training, 3)
    save_weights(training, tmp_path / "w.safetensors", model_metadata(TINY, AUDIO))
    sizes, state = load_generator_state(tmp_path / "w.safetensors", AUDIO)
    plain = Generator(sizes, AUDIO, ContentConfig())
    plain.load_state_dict(state)  # names as ever, or this raises
    averaged = merged_state(training.ema)
    assert any(not torch.equal(averaged[name], value) for name, value in merged_state(training.generator).items())
    batch, made = inputs(), []
    for generator in (training.ema, plain.eval()):
        training.generator = generator
        torch.manual_seed(2)
        made.append(training.synthesise(batch).detach())
    assert torch.allclose(made[0], made[1], atol=2e-3 * float(made[0].abs().max()))  # float16 in the file


def small(*overrides: str) -> Config:
    fixed = ("trainer.max_steps=1", "trainer.val_every_steps=1", "trainer.batch_size=2", "trainer.segment_s=0.64")
    return compose([*fixed, "trainer.reference_s=1", "trainer.num_threads=1", "trainer.adversarial=false", *overrides])


class Killed(Exception):
    """Stands for kill -9 after the second step, before its checkpoint."""


@pytest.mark.slow
def test_low_rank_with_others_mixed_in_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    cfg = small("trainer.max_steps=2", "trainer.trainable=low_rank", "trainer.mix=0.5")
    encoder = load_content_encoder(cfg.content)
    wavs, carlo = ([at_rate(speech(*of), OUT_RATE)] for of in (("nikolay", 5.0), ("carlo", 3.0)))
    voice = clone_voice("n", wavs)
    items, others = (items_of(own, encoder, cfg) for own in (wavs, carlo))

    def run(work: Path, on_row: Callable | None = None) -> Path:
        adapt(
            voice, items, [speech("nikolay", 5.0)], [speech("allison", 2.5)], cfg, work, on_row=on_row, others=[others]
        )
        return work / "candidates" / "000002.safetensors"

    def kill(row: dict[str, float], step: int) -> None:
        if step == 2:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "killed", kill)
    whole, resumed = run(tmp_path / "whole"), run(tmp_path / "killed")
    assert resumed.read_bytes() == whole.read_bytes()
    learnt, before = (load_generator_state(path, cfg.audio)[1] for path in (whole, BASE_GENERATOR))
    assert learnt.keys() == before.keys()
    assert any(not torch.equal(learnt[name], before[name]) for name in before)


def test_another_run_never_continues_a_checkpoint(tmp_path: Path) -> None:
    cfg = Config()
    other = replace(cfg, trainer=replace(cfg.trainer, rank=4))
    keys = [fingerprint(c, hashes, BASE_GENERATOR) for c, hashes in ((cfg, ["a"]), (other, ["a"]), (cfg, ["b"]))]
    assert len(set(keys)) == 3
    for key, kept in ((keys[0], False), (keys[0], True), (keys[1], False)):
        prepare_work(tmp_path / "work", key)
        assert (tmp_path / "work" / "last.ckpt").exists() == kept
        (tmp_path / "work" / "last.ckpt").touch()


def test_others_are_drawn_at_the_share_that_is_asked_for() -> None:
    def item(voice: float) -> dict[str, torch.Tensor]:
        sizes = {"content": (100, 4), "f0": (200,), "f0_filled": (200,), "loudness": (200,), "mel": (200, 80)}
        zeros = {name: torch.zeros(size) for name, size in sizes.items()}
        wav = {"wav": torch.zeros(200 * AUDIO.output_hop, dtype=torch.int16), "band_hz": torch.tensor(8000.0)}
        return zeros | wav | {"spk_emb": torch.full((256,), voice)}

    groups = [[item(0)], [item(1)], [item(2)], [item(3)]]
    cfg = SegmentConfig(batch_size=8, segment_s=0.64, reference_s=1.0, reference_max_s=1.0)
    batches = SegmentBatches(groups, cfg, AUDIO, 0, draw_weights(3, 0.25))
    voices = torch.cat([batches.read(batches[i])["spk_emb"][:, 0] for i in range(100)])
    assert float((voices > 0).float().mean()) == pytest.approx(0.25, abs=0.05)
    assert {0.0, 1.0, 2.0, 3.0} == set(voices.tolist())
    assert draw_weights(0, 0.25).tolist() == [1.0]


def test_a_folder_of_people_is_read_a_folder_or_a_file_a_person(tmp_path: Path) -> None:
    for name in ("ada/1", "ada/2", "bert/a/1", "carl"):
        save_wav(tmp_path / f"{name}.flac", speech("june", 1.0), RATE)
    people = read_mix(TrainerConfig(mix=0.2, mix_dir=str(tmp_path)), RATE, 0)
    assert [len(wavs) for wavs in people] == [2, 1, 1]
    assert read_mix(TrainerConfig(mix_dir=str(tmp_path)), RATE, 0) == []
    names = [str(i) for i in range(3 * MAX_PEOPLE)]
    assert len(drawn_people(names, 0)) == MAX_PEOPLE
    assert drawn_people(names, 0) == drawn_people(names[::-1], 0) != drawn_people(names, 1)


def test_a_mix_of_nobody_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^trainer\.mix_dir: is empty; trainer\.mix=0\.2 needs"):
        read_mix(TrainerConfig(mix=0.2), RATE, 0)
    with pytest.raises(DataError, match="holds no recordings"):
        read_mix(TrainerConfig(mix=0.2, mix_dir=str(tmp_path)), RATE, 0)
    with pytest.raises(ConfigError, match="less than 1"):
        compose(["trainer.mix=1"])


def segment(speaker: str, split: str, number: int) -> Segment:
    name = f"{speaker}_{split}_{number}"
    return Segment(name, speaker, name, f"{name}.flac", 40.0, 0.0, split, "", "en", "", name, name)


def test_whose_sentences_choose_is_not_mixed_in() -> None:
    speakers = ["own", *(f"s{i}" for i in range(6))]
    segments = [segment(s, split, i) for s in speakers for split in ("train", "dev", "eval") for i in range(3)]
    cfg = compose(["trainer.mix=0.25"])
    mixed = mixed_people("own", segments, cfg)
    assert [{s.speaker for s in own} for own in mixed] == [{"s4"}, {"s5"}]
    assert [[s.split for s in own] for own in mixed] == [["train"] * 2] * 2  # a minute: the third begins after it
    assert mixed_people("own", segments, compose()) == []
    with pytest.raises(DataError, match="nobody is left to mix in"):
        mixed_people("own", [s for s in segments if s.speaker in speakers[:5]], cfg)


def test_many_sentences_of_few_other_people_choose_and_none_that_is_evaluated() -> None:
    speakers = ["own", *(f"s{i}" for i in range(6))]
    splits = [("train", 12), ("dev", 3), ("eval", 3)]
    segments = [segment(s, split, i) for s in speakers for split, n in splits for i in range(n)]
    probes = probes_for("own", segments)
    assert len(probes) == len({s.segment_id for s in probes}) == MAX_PROBES
    assert [s.split for s in probes] == ["dev"] * 12 + ["train"] * (MAX_PROBES - 12)
    assert {s.speaker for s in probes} == {"s0", "s1", "s2", "s3"}
    english = [replace(s, lang="it") if s.speaker != "s5" else s for s in segments]
    assert {s.speaker for s in probes_for("own", english)} == {"s5"}


def choosing(reader: str) -> str:
    """A name for the reader that hashes into the half that chooses."""
    return next(name for name in (f"{reader}{i}" for i in range(99)) if Person(name, "", "", []).half == "choose")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "speaker", "gender", "split", "kind", "lang"))
        for name, split, seconds in (("nikolay", "dev", 27.0), ("allison", "dev", 3.0), ("carlo", "train", 3.0)):
            save_wav(folder / f"{name}.flac", speech(name, seconds), RATE)
            writer.writerow((f"{name}.flac", choosing(name), "", split, "speech", "en"))
    return folder


def study_of(corpus: Path, out: Path, *overrides: str) -> AdaptationStudy:
    group = "adaptation_study"
    people = (f"{group}.readers=[{choosing('nikolay')}]", f"pretrain.manifest={corpus}/manifest.csv")
    cells = (f"{group}.only=[all,mix]", f"{group}.seconds=[6]", f"{group}.n_sources=1")
    return AdaptationStudy(small(*people, *cells, "evaluate.n_bootstrap=50", *overrides), out)


@pytest.mark.slow
def test_a_killed_study_goes_on_and_says_what_seconds_are_worth(corpus: Path, tmp_path: Path) -> None:
    study, asked = study_of(corpus, tmp_path), list[tuple[float, float]]()
    adapt_truly = adapter(study.cfg, study.weights)

    def killed_at(n: int) -> Adapt:
        def adapt_one(voice: VoiceProfile, wavs: list[np.ndarray], trainer: TrainerConfig, work: Path) -> Adapted:
            if len(asked) == n:
                raise Killed
            asked.append((sum(map(len, wavs)) / OUT_RATE, trainer.mix))
            return adapt_truly(voice, wavs, trainer, work)

        return adapt_one

    with pytest.raises(Killed):
        study.run(killed_at(1))
    rows = study_of(corpus, tmp_path).run(killed_at(2))
    assert asked == [(6.0, 0.0), (6.0, 0.25)], "each cell once"
    assert study.run(killed_at(2)) == rows
    assert [row["step"] for row in rows] == ["0", "1", "0", "1"]
    assert [row["secs"] for row in base(rows)] == [rows[0]["secs"]] * 2  # the base is the same for every variant
    assert (len(chosen(rows)), last(rows)) == (2, rows[1::2])
    assert all(0.3 < float(row["secs"]) < 1 and float(row["cer"]) < 0.9 and not row["fault"] for row in rows)
    assert all(float(row["campp"]) < float(row["campp_ceiling"]) for row in rows)
    table = markdown(rows, study.cfg.evaluate, 0).splitlines()
    assert [line.split(" | ")[:3] for line in table[2:4]] == [["| 6", name, "1"] for name in ("all", "mix")]
    assert f" | {float(rows[0]['secs']):.3f} | " in table[2]
    plot(rows, tmp_path / "adaptation.png")
    assert (tmp_path / "adaptation.png").read_bytes().startswith(b"\x89PNG")
    other = study_of(corpus, tmp_path, "optim.lr=1e-5")
    assert not {row["key"] for row in rows} & {cell.key for cell in other.cells()}, "other settings are other cells"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("adaptation_study.readers=[nobody]", "nobody: speaks nothing of the split dev"),
        ("adaptation_study.seconds=[60]", "has too little speech for 60 s"),
        ("adaptation_study.n_sources=2", "only 1 English sentence"),
        ("+adaptation_study.variants.all.rank=many", "'many' is no int"),
        ("+adaptation_study.variants.all.rang=4", "did you mean rank"),
        ("adaptation_study.only=[mx]", "did you mean mix"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_a_sentence(
    corpus: Path, tmp_path: Path, override: str, words: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=words):
        list(study_of(corpus, tmp_path, override).cells())
