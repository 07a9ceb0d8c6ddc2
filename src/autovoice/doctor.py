"""Looks at this machine: device, packages, models, disk, memory; and proves that conversion on the CPU works."""

import importlib
import os
import shutil
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from autovoice.errors import AutovoiceError
from autovoice.gpu import Build, cards_here, obstacle

CORE = (
    "numpy",
    "soundfile",
    "soxr",
    "rich",
    "onnxruntime",
    "torch",
    "torchaudio",
    "safetensors",
    "swift-f0",
    "resemblyzer",
)
OPTIONAL = (
    "lightning",
    "hydra-core",
    "dvc",
    "mlflow",
    "librosa",
    "faster-whisper",
    "speechmos",
    "onnx",
    "distillmos",
    "pesq",
    "ray",
    "fastapi",
)
LIBRARIES = {
    "soundfile": "apt-get install libsndfile1",
    "onnxruntime": "apt-get install libgomp1 libstdc++6",
    "soxr": "pip install --force-reinstall soxr",
}  # module whose native code conversion needs -> remedy
MIN_DISK_GIB, MIN_MEMORY_GIB = 2.0, 2.0  # a balanced conversion stays below 2 GB; models and a voice need under 1 GB


@dataclass
class Finding:
    """One line of the doctor's report; state: ok | warning | problem. A problem stops conversion on the CPU."""

    topic: str
    name: str
    state: str
    value: str
    remedy: str = ""


def examine(voices: Path) -> list[Finding]:
    """All findings, conversion last."""
    return [*devices(), *packages(), *libraries(), *models(), disk(voices), memory(), conversion()]


def devices() -> list[Finding]:
    """What torch can compute on."""
    try:
        import torch
    except ImportError as error:
        return [Finding("device", "cpu", "problem", f"torch does not load: {error}", "pip install 'autovoice[all]'")]
    found = [Finding("device", "cpu", "ok", f"{os.cpu_count()} cores, torch {torch.__version__}")]
    cards, fault = cards_here()
    if fault:
        remedy = "repair the driver (after an update: restart the machine); the CPU is used meanwhile"
        return [*found, Finding("device", "cuda", "warning", fault, remedy)]
    build = Build(torch.version.cuda, torch.cuda.is_available(), tuple(torch.cuda.get_arch_list()))
    for i, card in enumerate(cards):
        what, remedy = obstacle(card, build)
        value = f"{card.name}, driver {card.driver}, {card.free_gib:.1f} GiB free" + (f": {what}" if what else "")
        found.append(Finding("device", f"cuda:{i}", "warning" if what else "ok", value, remedy))
    if not cards:
        found.append(Finding("device", "cuda", "ok", "no card; the CPU is used"))
    return found


def libraries() -> list[Finding]:
    """Whether the shared libraries behind the packages load."""
    found = []
    for name, remedy in LIBRARIES.items():
        try:
            importlib.import_module(name)
            found.append(Finding("library", name, "ok", "loads"))
        except (ImportError, OSError) as error:  # a missing package is said above
            if find_spec(name) is not None:
                found.append(Finding("library", name, "problem", " ".join(str(error).split())[:160], remedy))
    return found


def packages() -> list[Finding]:
    """Versions of what conversion needs (a missing one is a problem) and of what other commands need (a warning)."""
    found = []
    for name in (*CORE, *OPTIONAL):
        try:
            found.append(Finding("package", name, "ok", metadata.version(name)))
        except metadata.PackageNotFoundError:
            state = "problem" if name in CORE else "warning"
            found.append(Finding("package", name, state, "missing", "pip install 'autovoice[all]'"))
    return found


def models() -> list[Finding]:
    """Which source serves each declared model file; nothing is fetched."""
    from autovoice.assets import asset_names, asset_source, declaration

    found = []
    for name in asset_names():
        source = asset_source(name)
        need = f"only for: {declaration(name).needed_by}. Go online once, or put the file into the cache"
        remedy = need if source == "missing" else ""
        found.append(Finding("model", name, "warning" if source == "missing" else "ok", source, remedy))
    return found


def disk(folder: Path) -> Finding:
    """Free space where voices are written."""
    existing = next(p for p in (folder.resolve(), *folder.resolve().parents) if p.exists())
    free_gib = shutil.disk_usage(existing).free / 2**30
    state = "ok" if free_gib >= MIN_DISK_GIB else "warning"
    return Finding("disk", str(existing), state, f"{free_gib:.1f} GiB free", "" if state == "ok" else "free some space")


def memory() -> Finding:
    """Memory that is free for use now (Linux), else all of it."""
    info = Path("/proc/meminfo")
    if info.is_file():
        fields = dict(line.split(":", 1) for line in info.read_text(encoding="ascii").splitlines())
        free_gib = int(fields["MemAvailable"].split()[0]) / 2**20
    else:
        free_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    state = "ok" if free_gib >= MIN_MEMORY_GIB else "warning"
    return Finding("memory", "available", state, f"{free_gib:.1f} GiB", "" if state == "ok" else "close other programs")


def conversion() -> Finding:
    """Converts a second of a buzzing tone into a made-up voice on the CPU."""
    name, remedy = "on the CPU", "mend the problems above; with none there, reinstall autovoice"
    try:
        problem = _convert_a_tone()
    except (AutovoiceError, ImportError, OSError, RuntimeError) as error:
        problem = " ".join(str(error).split())[:200]
    return (
        Finding("conversion", name, "problem", problem, remedy)
        if problem
        else Finding("conversion", name, "ok", "works")
    )


def _convert_a_tone() -> str:
    """-> what went wrong, "" if nothing."""
    import numpy as np

    from autovoice.config import PresetConfig
    from autovoice.convert import VoiceConverter
    from autovoice.voice import VoiceProfile

    rate = 16000
    phase = 2 * np.pi * 140 * np.arange(rate) / rate
    tone = np.sum([np.sin(k * phase) / k for k in range(1, 12)], 0).astype(np.float32) * 0.1
    converter = VoiceConverter("cpu")
    n_mels, dim = converter.audio.n_mels, converter.content.dim
    frames = {"ref_content": np.zeros((100, dim), np.float16), "ref_mel": np.zeros((100, n_mels), np.float16)}
    pitch = {"f0_median_hz": 200.0, "f0_low_hz": 150.0, "f0_high_hz": 250.0}
    quality = {"speech_s": 2.0, "spread": 1.0, "snr_db": 40.0, "verdict": "poor"}
    voice = VoiceProfile(name="doctor", spk_emb=np.full(256, 1 / 16, np.float32), **frames, **pitch, **quality)  # type: ignore[arg-type]
    result = converter.convert(tone, voice, PresetConfig())
    if len(result) != converter.spoken(len(tone)):
        return f"{len(tone)} samples became {len(result)}"
    return "" if np.isfinite(result).all() and np.abs(result).max() > 0 else "the result is silent or not finite"
