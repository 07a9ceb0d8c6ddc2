"""NVIDIA's cards as the driver tells of them, and what keeps torch from using one, with the remedy."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

QUERY = "name,driver_version,memory.free,compute_cap"
SMI_TIMEOUT_S = 20.0
MIN_FREE_GIB = 2.0  # of GPU memory: models, a voice and a batch of short conversions
MIN_DRIVER = {11: (450, 80), 12: (525, 60), 13: (580, 65)}  # Linux, by CUDA's major version (CUDA's release notes)


@dataclass(frozen=True)
class Card:
    """One card. driver: such as 550.54.15; free_gib: memory nobody has; capability: such as (9, 0)."""

    name: str
    driver: str
    free_gib: float
    capability: tuple[int, int]


@dataclass(frozen=True)
class Build:
    """What torch can do. cuda: the version it is built for, None for a CPU build; archs: such as ("sm_90", "compute_90")."""

    cuda: str | None
    usable: bool
    archs: tuple[str, ...] = ()


def cards_here() -> tuple[list[Card], str]:
    """-> the cards, and what is wrong with the driver, "" if nothing. Without a card and a driver: ([], "")."""
    if (smi := shutil.which("nvidia-smi")) is None:
        return [], "a card is there, but no nvidia-smi" if Path("/dev/nvidia0").exists() else ""
    command = [smi, f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"nvidia-smi does not answer ({type(error).__name__})"
    if done.returncode:
        return [], " ".join((done.stdout + done.stderr).split())[:160] or f"nvidia-smi ended with {done.returncode}"
    return read_cards(done.stdout), ""


def computes_in_torch(device: str) -> bool:
    """Whether torch would compute on a GPU for auto, cpu, cuda or cuda:N; without a card it is not imported to be asked."""
    if device != "auto":
        return device.startswith("cuda")
    if not cards_here()[0]:
        return False
    import torch

    return torch.cuda.is_available()


def read_cards(text: str) -> list[Card]:
    """nvidia-smi's CSV of QUERY -> cards; memory comes in MiB."""
    found = []
    for line in filter(None, text.splitlines()):
        name, driver, free_mib, capability = (field.strip() for field in line.rsplit(",", 3))
        major, minor = capability.split(".")
        found.append(Card(name, driver, float(free_mib) / 1024, (int(major), int(minor))))
    return found


def obstacle(card: Card, build: Build) -> tuple[str, str]:
    """-> (what keeps torch from using the card, remedy), both "" if nothing does."""
    if build.cuda is None:
        return "this torch is built for the CPU", "install torch's CUDA wheels: make venv DEVICE=gpu"
    least = MIN_DRIVER.get(int(build.cuda.split(".")[0]), (0, 0))
    if tuple(int(part) for part in card.driver.split(".")[:2]) < least:
        needed = f"{least[0]}.{least[1]:02d}"
        what = f"driver {card.driver} is too old for CUDA {build.cuda}, which needs {needed}"
        return (
            what,
            f"install a driver of at least {needed}, or torch for an older CUDA: make venv DEVICE=gpu TORCH_INDEX=...",
        )
    if not build.usable:
        return (
            f"torch finds no card though driver {card.driver} has one",
            "see CUDA_VISIBLE_DEVICES; a container needs --gpus all",
        )
    if not _runs_on(card.capability, build.archs):
        major, minor = card.capability
        return (
            f"this torch has no code for compute capability {major}.{minor}",
            "install a torch that supports this card",
        )
    if card.free_gib < MIN_FREE_GIB:
        return (
            f"only {card.free_gib:.1f} GiB of its memory are free",
            "end what uses the card (nvidia-smi lists it), or --device cpu",
        )
    return "", ""


def _runs_on(capability: tuple[int, int], archs: tuple[str, ...]) -> bool:
    """Binaries run on later cards of their major version; compute_NN is compiled for any later one."""
    if not archs:
        return True
    for arch in archs:
        kind, _, digits = arch.partition("_")
        number = "".join(c for c in digits if c.isdigit())
        have = (int(number[:-1]), int(number[-1]))
        if have <= capability and (kind == "compute" or have[0] == capability[0]):
            return True
    return False
