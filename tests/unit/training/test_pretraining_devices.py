"""Where pretraining runs: precision, accumulated batches, workers that draw ahead, and how fast it went."""

import itertools
import os
from pathlib import Path

import lightning as L
import pytest
import torch
from tiny_pretraining import RECORDINGS, configuration, train, write_features
from torch.utils.data import Dataset

from autovoice.config_pretrain import PretrainConfig
from autovoice.errors import ConfigError
from autovoice.training import losses
from autovoice.training.callbacks import LossHistory, Throughput, read_history
from autovoice.training.data import IntervalData, batch_number
from autovoice.training.devices import precision_of, trainer_on
from autovoice.training.pretrain import build_module, group_by_speaker
from autovoice.training.segments import SegmentBatches, SegmentConfig


class Numbers(Dataset[dict[str, torch.Tensor]]):
    """Batch i is i, as a second of audio, and the process that drew it."""

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"wav": torch.full((1, 100), float(index)), "process": torch.tensor(os.getpid())}

    def read(self, plan: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return plan


class Listener(L.LightningModule):
    """Learns nothing, and knows which batches it was given, by which processes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.heard: list[int] = []
        self.processes: set[int] = set()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([self.weight], 0.1)

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        self.heard.append(int(batch["wav"][0, 0]))
        self.processes.add(int(batch["process"]))
        return 0 * self.weight


def listen(work: Path, n_epochs: int, *callbacks: L.Callback, num_workers: int = 0) -> Listener:
    """Epochs of two batches, after those of which `work` has a checkpoint."""
    module, last = Listener(), work / "last.ckpt"
    data = IntervalData(Numbers(), 2, num_workers)
    trainer = trainer_on(PretrainConfig(), n_epochs, last, callbacks)
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=True)
    return module


def test_ranks_share_all_batches_out() -> None:
    drawn = [[batch_number(draw, 3, rank) for draw in range(4)] for rank in range(3)]
    assert sorted(itertools.chain(*drawn)) == list(range(12))
    assert [batch_number(draw, 1, 0) for draw in range(4)] == [0, 1, 2, 3]


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_resumed_run_draws_the_batches_that_follow_with_the_same_worker(tmp_path: Path, num_workers: int) -> None:
    first, resumed = (listen(tmp_path, n_epochs, num_workers=num_workers) for n_epochs in (2, 4))
    assert (first.heard, resumed.heard) == ([0, 1, 2, 3], [4, 5, 6, 7])
    assert len(resumed.processes) == 1
    assert (os.getpid() in resumed.processes) == (num_workers == 0)


def test_throughput_is_what_the_clock_says_and_outlives_a_resume(tmp_path: Path) -> None:
    for n_epochs in (1, 2):  # the clock is read at the start and the end of the epoch and of its two batches: 5 s, 2 s
        listen(tmp_path, n_epochs, Throughput(tmp_path / "t.csv", 100, clock=itertools.count().__next__))
    rows = read_history(tmp_path / "t.csv")
    assert rows == [{"step": step, "audio_s_per_s": 0.4, "data_wait": 0.6} for step in (2.0, 4.0)]


def test_a_killed_run_that_accumulates_resumes_exactly(tmp_path: Path) -> None:
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    for work in (unbroken, killed):
        write_features(work)
    whole = train(configuration(unbroken, "pretrain.accumulate=2"))
    train(configuration(killed, "pretrain.accumulate=2", "pretrain.max_steps=1"))
    resumed = train(configuration(killed, "pretrain.accumulate=2", "pretrain.num_workers=1"))
    assert same_weights(whole, resumed)
    assert (unbroken / "history.csv").read_bytes() == (killed / "history.csv").read_bytes()
    assert whole.steps_done == resumed.steps_done == 2


def test_mixed_precision_has_the_losses_of_full_precision_nearly(tmp_path: Path) -> None:
    rows = {}
    for precision in ("32-true", "bf16-mixed"):
        work = tmp_path / precision
        write_features(work)
        one_step = ("pretrain.max_steps=1", "pretrain.adversarial_from_step=0", "pretrain.n_conversions=1")
        module = train(configuration(work, f"pretrain.precision={precision}", *one_step))
        assert {p.dtype for p in module.parameters()} == {torch.float32}
        rows[precision] = read_history(work / "history.csv")[-1]
    assert rows["bf16-mixed"] == pytest.approx(rows["32-true"], rel=2e-3)
    assert rows["bf16-mixed"] != rows["32-true"]


def test_spectra_of_what_is_made_in_mixed_precision_are_exact(tmp_path: Path) -> None:
    write_features(tmp_path)
    cfg = configuration(tmp_path)
    groups, _ = group_by_speaker(RECORDINGS, tmp_path / "features", cfg.pretrain)
    batches = SegmentBatches(groups, SegmentConfig(2, 0.64, 1.0, 1.0), cfg.audio, 0)
    batch = batches.read(batches[0])
    module = build_module(cfg)
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(0)
        _, parts = module._loss(batch, step=0)
        torch.manual_seed(0)
        made = module.synthesise(batch)
    assert torch.equal(parts["mel"], losses.mel_l1(made, batch["wav"], cfg.audio.output_rate))
    assert torch.equal(parts["log_l1"], losses.multi_resolution_stft(made, batch["wav"])[1])


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    n_gpus = torch.cuda.device_count()
    cfg = PretrainConfig(accelerator="gpu", devices=n_gpus + 1)
    with pytest.raises(ConfigError, match=r"pretrain\.(accelerator|devices): .*GPU"):
        trainer_on(cfg, 1, tmp_path / "last.ckpt", [LossHistory(tmp_path / "history.csv")])


def test_auto_is_the_cpu_where_there_is_no_gpu(tmp_path: Path) -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert (
        trainer_on(PretrainConfig(accelerator="auto"), 1, tmp_path / "last.ckpt", []).strategy.root_device.type
        == expected
    )


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="asks Linux for what the processor can do")
def test_an_automatic_precision_is_bfloat16_where_the_processor_multiplies_it() -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    native = hasattr(torch.cpu, "get_capabilities") and bool({"avx512_bf16", "amx_bf16"} & set(flags))
    assert precision_of("auto") == ("bf16-mixed" if native else "32-true")
    assert precision_of("16-mixed") == "16-mixed"
