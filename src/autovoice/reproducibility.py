"""One seed for everything, and the record of what a run stood on: commit, packages, hardware, data."""

import os
import platform
import random
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.files import sha256_file

PACKAGES = (
    "autovoice numpy torch torchaudio lightning librosa soundfile soxr onnxruntime resemblyzer faster-whisper "
    "ctranslate2 speechmos distillmos pesq pystoi pyworld swift-f0 jiwer dvc mlflow hydra-core"
)
CODE = ("src", "pipelines", "conf", "params.yaml")  # what makes a commit "dirty" when it differs


def seed_all(seed: int) -> None:
    """Seeds Python, numpy and torch and asks torch for deterministic algorithms (a warning where there is none)."""
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries such as torch's samplers and librosa read the legacy generator)
    torch.manual_seed(seed)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what CUDA needs to be deterministic
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would import the compiler: 2 s a stage
    torch.backends.cudnn.benchmark = False


def git_sha(folder: Path | None = None) -> str:
    """Commit of the working folder, with "-dirty" where tracked files differ from it; "" outside git."""
    command = ["git", "-C", str(folder or Path.cwd())]
    try:
        sha = subprocess.run([*command, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=30, check=True)
        changed = subprocess.run(
            [*command, "status", "--porcelain", "--untracked-files=no", "--", *CODE],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return sha.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")


def hash_or_none(path: Path) -> str | None:
    """SHA-256 of a file; None where it does not exist."""
    return sha256_file(path) if Path(path).is_file() else None


def hardware() -> dict[str, Any]:
    """Processor, cores, memory in GiB, accelerator names."""
    import torch

    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(pages / 2**30, 1),
        "gpu": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that results depend on; those that are not installed are left out."""
    versions = {}
    for name in PACKAGES.split():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def environment_record(folder: Path | None = None) -> dict[str, Any]:
    """Everything that a table of numbers must name: commit, dvc.lock and data hashes, versions, hardware."""
    folder = Path(folder or Path.cwd())
    return {
        "git_sha": git_sha(folder),
        "dvc_lock_sha256": hash_or_none(folder / "dvc.lock"),
        "data_sha256": hash_or_none(folder / "data" / "prepared" / "manifest.csv"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": package_versions(),
        "hardware": hardware(),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
