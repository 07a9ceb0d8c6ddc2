"""The measurements: speed of a preset, against length, against batch, speaking, and as a stream."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from autovoice.audio.io import StreamWriter, load_wav
from autovoice.bench.jobs import Job, Row
from autovoice.bench.memory import gpu_memory_mb, gpu_utilisation, peak_memory_mb
from autovoice.bench.stream import measure_stream
from autovoice.bench.systems import RATE, Baseline, Preset, system_of, voice_of
from autovoice.config import compose
from autovoice.convert import VoiceConverter
from autovoice.errors import AutovoiceError
from autovoice.models.torch_networks import TorchNetworks

SENTENCE_S, TURNS = 3.0, 12
BATCH_RECORDINGS = 16  # in all, however many of them at once
SAME_DB = -200.0  # identical samples: a ratio has no logarithm


def measure(job: Job, source: Path, target: Path) -> Row:
    """The job's fields and its numbers; meant for a process of its own, whose peak memory it reads."""
    torch.set_num_threads(job.threads)
    wav = load_wav(source, RATE)
    if job.kind == "stream":
        return asdict(job) | stream(job, wav, target)
    system = system_of(job.system, target, job.device)
    system.convert(tiled(wav, SENTENCE_S))  # warm-up: first calls allocate
    if job.kind == "speak":
        from autovoice.bench.speaking import measure_speaking

        assert isinstance(system, Preset)
        return asdict(job) | measure_speaking(system)
    numbers = {"speed": speed, "length": whole, "batch": batch}[job.kind](job, system, wav)
    if isinstance(system, Preset) and system.converter.device != job.device:
        raise AutovoiceError("ran out of memory", job.device, "close what else uses it, or measure shorter --lengths")
    return asdict(job) | numbers


def speed(job: Job, system: Baseline | Preset, wav: np.ndarray) -> Row:
    """RTF of length_s file to file, latency of 3 s sentences, parameters; on a GPU also how far its samples are off."""
    facts = whole(job, system, wav) | {"parameters": system.n_parameters} | latency(system, wav)
    facts["peak_memory_mb"] = peak_memory_mb()
    if isinstance(system, Preset) and job.device != "cpu":
        sentence = tiled(wav, SENTENCE_S)
        facts["difference_db"] = difference_db(system.convert(sentence), system.on("cpu").convert(sentence))
    return facts


def whole(job: Job, system: Baseline | Preset, wav: np.ndarray) -> Row:
    """RTF and peak memory of length_s file to file."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "source.wav"), Path(name, "target.wav")
        with StreamWriter(source, RATE) as writer:  # block by block: an hour in memory would be measured too
            for left in range(int(job.length_s * RATE), 0, -len(wav)):
                writer.write(wav[:left])
        started = time.perf_counter()
        system.convert_file(source, target)
        rtf = (time.perf_counter() - started) / job.length_s
    return {"rtf": rtf, "peak_memory_mb": peak_memory_mb(), "gpu_memory_mb": gpu_memory_mb(job.device)}


def latency(system: Baseline | Preset, wav: np.ndarray) -> Row:
    """Milliseconds from a whole sentence to its conversion."""
    turns_ms = []
    for sentence in tiled(wav, TURNS * SENTENCE_S).reshape(TURNS, -1):
        started = time.perf_counter()
        system.convert(sentence)
        turns_ms.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(turns_ms, [50, 95])
    return {"latency_p50_ms": float(p50), "latency_p95_ms": float(p95)}


def batch(job: Job, system: Baseline | Preset, wav: np.ndarray) -> Row:
    """Seconds of audio a second, at_once recordings side by side: the converter takes one at a time, so in threads."""
    recordings = tiled(wav, BATCH_RECORDINGS * job.length_s).reshape(BATCH_RECORDINGS, -1)
    with ThreadPoolExecutor(job.at_once) as pool, gpu_utilisation(job.device) as samples:
        started = time.perf_counter()
        list(pool.map(system.convert, recordings))
        seconds = time.perf_counter() - started
    return {
        "audio_s_per_s": BATCH_RECORDINGS * job.length_s / seconds,
        "peak_memory_mb": peak_memory_mb(),
        "gpu_memory_mb": gpu_memory_mb(job.device),
        "gpu_utilisation_percent": float(np.mean(samples)) if samples else None,
    }


def stream(job: Job, wav: np.ndarray, target: Path) -> Row:
    """The shipped student and causal base, block by block."""
    converter = VoiceConverter("cpu")
    networks = converter.networks
    assert isinstance(networks, TorchNetworks)
    voice, fast = voice_of(target, converter), compose().presets["fast"]
    numbers = measure_stream(networks, voice, tiled(wav, job.length_s), fast)
    parameters = sum(p.numel() for part in (networks.student, networks.generator()) for p in part.parameters())
    return numbers | {"peak_memory_mb": peak_memory_mb(), "parameters": parameters}


def tiled(wav: np.ndarray, length_s: float) -> np.ndarray:
    """wav repeated or cut to length_s."""
    return np.resize(wav, int(length_s * RATE))


def difference_db(wav: np.ndarray, ref: np.ndarray) -> float:
    """Energy of the difference re ref's, both (T,): -60 dB is a thousandth of the amplitude; -200 dB: the same samples."""
    error, energy = (float(np.square(x, dtype=np.float64).sum()) for x in (wav - ref, ref))
    return max(SAME_DB, 10 * float(np.log10(error / energy))) if error and energy else SAME_DB
