"""Training: reproducible batches, losses that fall, checkpoints that resume, and the choice among them."""

import subprocess
import sys
from pathlib import Path

import lightning as L
import numpy as np
import pytest
import torch

from autovoice.config import AudioConfig, ContentConfig, ModelConfig, compose
from autovoice.models.discriminator import Discriminators
from autovoice.models.generator import Generator
from autovoice.training import losses
from autovoice.training.adapt import adapt, choose_trainable
from autovoice.training.callbacks import read_history
from autovoice.training.data import IntervalData
from autovoice.training.flat import Item
from autovoice.training.module import GeneratorTraining, Schedule, load_weights, save_weights
from autovoice.training.segments import SegmentBatches, SegmentConfig
from autovoice.training.selection import choose, pooled
from autovoice.weights import facts_of, load_generator_state, model_metadata

TINY = ModelConfig("tiny", dim=16, n_content_blocks=1, n_blocks=1, bottleneck=8, n_heads=2)
AUDIO = AudioConfig()


def fake_item(seed: int, n_content: int = 150) -> Item:
    rng = np.random.default_rng(seed)
    n = 2 * n_content
    f0 = np.where(np.arange(n) % 40 < 30, 150.0, 0.0).astype(np.float32)
    wav = (3000 * np.sin(2 * np.pi * 150 * np.arange(n * AUDIO.output_hop) / AUDIO.output_rate)).astype(np.int16)
    return {
        "content": torch.from_numpy(rng.normal(size=(n_content, 512)).astype(np.float16)),
        "f0": torch.from_numpy(f0),
        "f0_filled": torch.full((n,), 150.0),
        "loudness": torch.zeros(n),
        "mel": torch.from_numpy(rng.normal(size=(n, 80)).astype(np.float16)),
        "wav": torch.from_numpy(wav),
        "band_hz": torch.tensor(12000.0),
        "spk_emb": torch.from_numpy(rng.normal(size=256).astype(np.float32)),
    }


def batches(seed: int = 0) -> SegmentBatches:
    cfg = SegmentConfig(batch_size=2, segment_s=0.64, reference_s=1.0, reference_max_s=1.0)
    return SegmentBatches([[fake_item(0), fake_item(1)], [fake_item(2)]], cfg, AUDIO, seed)


def module(adversarial_from: int = -1) -> GeneratorTraining:
    torch.manual_seed(0)
    schedule = Schedule(1e-3, 1e-3, 1, 1000, adversarial_from, ema_decay=0.5)
    return GeneratorTraining(Generator(TINY, AUDIO, ContentConfig()), Discriminators((256,), 4), schedule, AUDIO)


def fit(training: GeneratorTraining, n: int) -> None:
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(training, IntervalData(batches(), n))


def test_a_batch_depends_on_its_number_and_the_seed_alone() -> None:
    first, again, other = batches()[7], batches()[7], batches(1)[7]
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_segment_that_runs_past_the_end_is_silence_there() -> None:
    item = fake_item(0, 20)
    drawn = SegmentBatches([[item], [fake_item(1)]], SegmentConfig(4, 1.0, 0.2, 0.2), AUDIO, 0)
    batch = drawn.read(drawn[0])
    short = [i for i, voice in enumerate(batch["spk_emb"]) if torch.equal(voice, item["spk_emb"])]
    assert short
    for i in short:
        assert torch.equal(batch["content"][i, :20], item["content"].float())
        assert torch.equal(batch["wav"][i, : len(item["wav"])] * 32767, item["wav"].float())
        assert not batch["content"][i, 20:].any()
        assert not batch["wav"][i, len(item["wav"]) :].any()


def test_reference_and_target_do_not_overlap_where_there_is_room() -> None:
    item = fake_item(0, 400)
    item["content"] = torch.arange(400).half()[:, None].expand(400, 512).contiguous()
    cfg = SegmentConfig(batch_size=1, segment_s=1.0, reference_s=1.0, reference_max_s=1.0)
    for i in range(20):
        drawn = SegmentBatches([[item]], cfg, AUDIO, 0)
        batch = drawn.read(drawn[i])
        target, reference = (set(batch[name][0, :, 0].tolist()) for name in ("content", "ref_content"))
        assert not target & reference


@pytest.mark.parametrize("adversarial_from", [-1, 0])
def test_training_lowers_the_loss_and_counts_its_steps(adversarial_from: int) -> None:
    training = module(adversarial_from)
    batch = batches().read(batches()[0])
    torch.manual_seed(1)
    before = losses.mel_l1(training.synthesise(batch), batch["wav"], AUDIO.output_rate)
    fit(training, 12)
    torch.manual_seed(1)
    after = losses.mel_l1(training.synthesise(batch), batch["wav"], AUDIO.output_rate)
    assert int(training.steps_done) == 12
    assert after < before


def test_the_schedule_warms_up_decays_and_begins_anew() -> None:
    schedule = Schedule(1.0, 0.5, 10, 100, 200)
    assert schedule.lr_at(0) == pytest.approx(0.1)
    assert schedule.lr_at(100) == pytest.approx(0.5)
    assert schedule.lr_at(210) == pytest.approx(0.5, rel=0.1)
    assert [schedule.is_adversarial(step) for step in (199, 200)] == [False, True]


def test_losses_are_zero_for_the_same_audio_and_grow_with_the_error() -> None:
    wav = torch.randn(1, 16000) * 0.1
    assert losses.mel_l1(wav, wav, 16000) == 0
    assert all(part == 0 for part in losses.multi_resolution_stft(wav, wav))
    near, far = (losses.mel_l1(wav + gain * torch.randn_like(wav), wav, 16000) for gain in (0.01, 0.1))
    assert near < far


def test_weights_read_back_with_the_sizes_they_were_made_with(tmp_path: Path) -> None:
    training = module()
    save_weights(training, tmp_path / "w.safetensors", model_metadata(TINY, AUDIO))
    sizes, state = load_generator_state(tmp_path / "w.safetensors", AUDIO)
    assert sizes == TINY
    other = module()
    load_weights(tmp_path / "w.safetensors", other.generator, other.discriminators)
    assert all(torch.allclose(state[n], p) for n, p in other.generator.state_dict().items())


@pytest.mark.slow
def test_the_same_weights_are_the_same_file_in_another_process(tmp_path: Path) -> None:
    program = (
        "import sys, torch; from pathlib import Path; from test_training import AUDIO, TINY, module;"
        "from autovoice.training.module import save_weights; from autovoice.weights import model_metadata;"
        "save_weights(module(), Path(sys.argv[1]), model_metadata(TINY, AUDIO, steps=3, speakers=2))"
    )
    files = [tmp_path / f"{i}.safetensors" for i in range(2)]
    for file in files:
        subprocess.run([sys.executable, "-c", program, file], check=True, cwd=Path(__file__).parent)
    assert len({file.read_bytes() for file in files}) == 1
    assert facts_of(files[0])["speakers"] == 2


def test_only_the_voice_is_trained_when_asked() -> None:
    generator = Generator(TINY, AUDIO, ContentConfig())
    choose_trainable(generator, "adaln_head")
    trained = {name for name, p in generator.named_parameters() if p.requires_grad}
    assert "head.envelopes.weight" in trained
    assert "bottleneck.weight" not in trained


def test_the_choice_prefers_the_voice_among_those_that_keep_the_words() -> None:
    rows = [
        {"step": 0.0, "cer": 0.02, "similarity": 0.5},
        {"step": 10.0, "cer": 0.05, "similarity": 0.7},
        {"step": 20.0, "cer": 0.40, "similarity": 0.9},
    ]
    assert choose(rows, 0.05)["step"] == 10
    assert choose(rows, 0.0)["step"] == 0
    assert choose(rows, 1.0)["step"] == 20


def test_a_short_sentence_weighs_as_much_as_it_is_long() -> None:
    assert pooled([0.5, 0.0, float("nan")], [2, 8, 0]) == pytest.approx(0.1)
    assert np.isnan(pooled([float("nan")], [0]))


class Killed(Exception):
    """Stands for kill -9 between two checkpoints."""


def test_an_interrupted_adaptation_continues_from_its_last_checkpoint(tmp_path: Path) -> None:
    from autovoice.models.content import load_content_encoder
    from autovoice.training.adapt import items_of
    from autovoice.voice import clone_voice
    from tests.audio_files import at_rate, speech

    cfg = compose(["trainer.max_steps=3", "trainer.val_every_steps=1", "trainer.batch_size=1", "trainer.patience=9"])
    encoder = load_content_encoder(cfg.content)
    wavs = [at_rate(speech("nikolay", 6.0), AUDIO.output_rate)]
    voice, items = clone_voice("n", wavs), items_of(wavs, encoder, cfg)

    def stop_at_two(row: dict[str, float], step: int) -> None:
        if step == 2:
            raise Killed

    with pytest.raises(Killed):
        adapt(voice, items, wavs, [speech("allison", 2.5)], cfg, tmp_path, on_row=stop_at_two)
    assert not (tmp_path / "weights.safetensors").exists()
    steps: list[int] = []
    result = adapt(
        voice, items, wavs, [speech("allison", 2.5)], cfg, tmp_path, on_row=lambda row, step: steps.append(step)
    )
    assert steps[0] == 2  # step 1 was checkpointed: at most one interval is lost
    assert result.steps_run == 3
    assert [row["step"] for row in read_history(tmp_path / "selection.csv")] == [0, 1, 2, 3]
    assert (tmp_path / "weights.safetensors").is_file()
