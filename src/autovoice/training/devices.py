"""Where pretraining and distillation run: on a CPU, on one GPU or on several, by one L.Trainer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from autovoice.config_pretrain import PretrainConfig
from autovoice.errors import ConfigError

# A process a device, whose gradients are averaged at each backward pass. The generator's pass has none for the
# discriminators and the other way round, which DistributedDataParallel has to be told.
SEVERAL = "ddp_find_unused_parameters_true"


def accelerator_of(cfg: PretrainConfig) -> str:
    """Lightning's name of the accelerator; raises ConfigError for more GPUs than there are."""
    n_gpus = torch.cuda.device_count()
    if cfg.accelerator == "cpu" or (cfg.accelerator == "auto" and not n_gpus):
        return "cpu"
    if not n_gpus:
        raise ConfigError("no GPU was found", "pretrain.accelerator", "set pretrain.accelerator=cpu")
    if cfg.devices > n_gpus:
        raise ConfigError(f"{cfg.devices} GPUs are not here", "pretrain.devices", f"give {n_gpus} at most")
    return "cuda"


def precision_of(wanted: str) -> str:
    """Lightning's name of a precision; auto: a CPU's, in two thirds of the time where it multiplies bfloat16 itself."""
    if wanted != "auto":
        return wanted
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.11 does not tell
    return "bf16-mixed" if known.get("avx512_bf16") or known.get("amx_bf16") else "32-true"


def trainer_on(
    cfg: PretrainConfig, max_epochs: int, checkpoint: Path, callbacks: Sequence[L.Callback], **options: Any
) -> L.Trainer:
    """Runs epochs, each of which ends with `checkpoint`; raises ConfigError for a device that is not there.

    Every process runs the same program and needs to see the same files; rank 0 alone writes. options: of L.Trainer.
    """
    several = cfg.strategy == "ddp" or cfg.devices * cfg.num_nodes != 1
    return L.Trainer(
        accelerator=accelerator_of(cfg),
        devices=cfg.devices,
        num_nodes=cfg.num_nodes,
        strategy=SEVERAL if several else "auto",
        precision=cfg.precision,  # type: ignore[arg-type]
        max_epochs=max_epochs,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # IntervalData shares out the batches
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        callbacks=[
            *callbacks,
            ModelCheckpoint(
                checkpoint.parent, checkpoint.stem, save_on_train_epoch_end=True, enable_version_counter=False
            ),
        ],
        **options,
    )
