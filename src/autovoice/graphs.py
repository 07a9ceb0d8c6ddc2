"""The networks as exported ONNX graphs, computed by onnxruntime; torch is not needed."""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from autovoice.audio.f0 import detect
from autovoice.audio.mel import AFTER, BEFORE, FRAME_LENGTH, speaker_windows, student_pairs, whisper_mel
from autovoice.config import AudioConfig, ContentConfig
from autovoice.errors import AssetError, AutovoiceError
from autovoice.networks import N_HEARD, Encoder, Filters, OutOfMemory, Target, encoder_windows

CONTENT, STUDENT, SPEAKER, HEARING, GENERATOR = (
    f"{name}.onnx" for name in ("content", "student", "speaker", "hearing", "generator")
)
LIVE_STUDENT, LIVE_GENERATOR = "live_student.onnx", "live_generator.onnx"  # one frame, linears in int8
PROVIDERS = {"tensorrt": "TensorrtExecutionProvider", "cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
EPSILON = 1e-3  # of the deviation that content is divided by
LOGGER = logging.getLogger(__name__)
Arrays = dict[str, np.ndarray]


def pick_providers(device: str) -> list[tuple[str, dict[str, Any]]]:
    """auto, cpu, cuda, cuda:N or tensorrt -> onnxruntime's providers in the order in which they are tried.

    TensorRT falls back to CUDA and that to the CPU, with a line in the log. Raises AutovoiceError for another device.
    """
    kind, _, number = device.partition(":")
    if kind not in {*PROVIDERS, "auto"} or (number and not number.isdigit()):
        raise AutovoiceError("no such device", f"--device {device}", "use cpu, cuda, cuda:N, tensorrt or auto")
    wanted = {"auto": ["cuda"], "tensorrt": ["tensorrt", "cuda"], "cuda": ["cuda"], "cpu": []}[kind]
    have = ort.get_available_providers()
    for name in wanted:
        if PROVIDERS[name] not in have and kind != "auto":
            LOGGER.warning("onnxruntime has no %s here: going on without it", PROVIDERS[name])
    chosen = [(PROVIDERS[name], {"device_id": int(number or 0)}) for name in wanted if PROVIDERS[name] in have]
    return [*chosen, (PROVIDERS["cpu"], {})]


class Session:
    """A graph, loaded; inputs and outputs by name."""

    def __init__(self, path: Path, providers: list[tuple[str, dict[str, Any]]], live: bool = False) -> None:
        """live: always of one shape, and on one thread: what it needs is kept. Otherwise memory is given back after a run."""
        if not path.is_file():
            raise AssetError("no such graph", str(path), "export it with autovoice export")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1 if live else 0
        options.enable_cpu_mem_arena = options.enable_mem_pattern = live  # what each length once took would stay
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others wait for these cores
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(path), options, providers=providers)
        self.provider: str = self._session.get_providers()[0]
        self._inputs = {value.name: value.shape for value in self._session.get_inputs()}
        self._outputs = [value.name for value in self._session.get_outputs()]

    def size(self, name: str, axis: int) -> int:
        """Of an input's axis that does not vary; 0 for an input that the graph has no use for."""
        return int(self._inputs[name][axis]) if name in self._inputs else 0

    def run(self, **inputs: np.ndarray) -> Arrays:
        """Raises OutOfMemory."""
        known = {name: np.ascontiguousarray(value) for name, value in inputs.items() if name in self._inputs}
        try:
            return dict(zip(self._outputs, self._session.run(None, known), strict=True))
        except RuntimeError as error:
            if "memory" in str(error).lower():
                raise OutOfMemory(str(error).splitlines()[0]) from error
            raise


def no_past(session: Session, batch: int) -> np.ndarray:
    """The state of blocks before a recording, (B, L, 6, D)."""
    return np.zeros((batch, *(session.size("past", axis) for axis in (1, 2, 3))), np.float32)


def no_stem_past(session: Session, batch: int) -> np.ndarray:
    """The state of the student's stem before a recording, (B, 160, 2)."""
    return np.zeros((batch, *(session.size("stem_past", axis) for axis in (1, 2))), np.float32)


class Graphs:
    """autovoice.networks.Networks over a folder that autovoice.export.graphs wrote."""

    def __init__(
        self, folder: Path, audio: AudioConfig, config: ContentConfig, weights: Path, causal: bool, device: str = "auto"
    ) -> None:
        """weights: the base generator's file, whose hash results carry; causal: whether generators can stream."""
        self.folder, self.audio, self.config, self.weights, self.causal = folder, audio, config, weights, causal
        self._providers, self._device = pick_providers(device), device
        self._lock = threading.Lock()
        self._sessions: dict[tuple[Path, bool], Session] = {}
        self.make: Callable[[Path], Path | None] = lambda weights: None  # graphs of weights that have none beside them
        self._made = lru_cache(maxsize=64)(lambda weights, mtime_ns: self.make(weights))
        self._heard = lru_cache(maxsize=N_HEARD)(self._hear)
        self._session(CONTENT)  # it takes longest to load

    @property
    def device(self) -> str:
        """cpu, cuda or cuda:N."""
        on_cpu = self._session(CONTENT).provider == PROVIDERS["cpu"]
        return "cpu" if on_cpu else "cuda" + self._device[self._device.find(":") :] * (":" in self._device)

    def _session(self, name: str, weights: Path | None = None, live: bool = False) -> Session:
        """live: for a stream, whose parts are too short for a device or for several threads."""
        path = self._folder_of(weights) / name
        with self._lock:
            if (path, live) not in self._sessions:
                providers = pick_providers("cpu") if live else self._providers
                self._sessions[path, live] = Session(path, providers, live)
            return self._sessions[path, live]

    def _folder_of(self, weights: Path | None) -> Path:
        """Graphs of an adapted generator lie beside its weights, or where they were made."""
        if weights is None or weights == self.weights:
            return self.folder
        if (weights.parent / GENERATOR).is_file():
            return weights.parent
        made = self._made(weights, weights.stat().st_mtime_ns)
        if made is None:
            raise AssetError("has no graph of its adapted weights", str(weights.parent), "export the voice")
        return made

    def pitch(self, wav: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> tuple[np.ndarray, np.ndarray]:
        """As Networks.pitch, on the CPU whatever the device."""
        return detect(wav, f0_min_hz, f0_max_hz)

    def content(self, wav: np.ndarray, encoder: Encoder = "large") -> np.ndarray:
        """As Networks.content."""
        hear = self._guessed if encoder == "student" else self._large
        content = np.concatenate([hear(wav[:, part]) for part in encoder_windows(wav.shape[1])], 1)
        if encoder == "student" or not self.config.instance_norm:  # it guesses normalised content
            return content
        return (content - content.mean(1, keepdims=True)) / (content.std(1, keepdims=True) + np.float32(EPSILON))

    def _large(self, wav: np.ndarray) -> np.ndarray:
        return self._session(CONTENT).run(mel=whisper_mel(wav))["content"]

    def _guessed(self, wav: np.ndarray) -> np.ndarray:
        session, heard = self._session(STUDENT), np.pad(wav, ((0, 0), (BEFORE, AFTER)))
        state = {"stem_past": no_stem_past(session, len(wav)), "past": no_past(session, len(wav))}
        return session.run(pairs=student_pairs(heard)[..., : wav.shape[1] // FRAME_LENGTH], **state)["content"]

    def embed_speaker(self, wav: np.ndarray) -> np.ndarray:
        """As Networks.embed_speaker."""
        mean = self._session(SPEAKER).run(mel=speaker_windows(wav.astype(np.float32)))["embedding"].mean(0)
        return mean / np.linalg.norm(mean)

    def _hear(self, target: Target, live: bool = False) -> Arrays:
        parts = {name: getattr(target, name)[None] for name in ("spk_emb", "ref_content", "ref_mel")}
        return self._session(HEARING, target.weights, live).run(**parts)

    def generate(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray, targets: Sequence[Target]) -> Filters:
        """As Networks.generate."""
        session, heard = self._session(GENERATOR, targets[0].weights), [self._heard(target) for target in targets]
        voices = {name: np.concatenate([one[name] for one in heard]) for name in heard[0]}
        frames = {"content": content, "f0": f0, "loudness": loudness, "past": no_past(session, len(targets))}
        made = session.run(**frames, **voices)
        return Filters(made["harmonic"], made["phase"], made["breath"])

    def steps(self, target: Target) -> "GraphSteps":
        """As Networks.steps."""
        if not self.causal:
            raise AssetError(
                "is not causal and cannot stream", str(self.folder), "export a base with model.causal=true"
            )
        networks = (self._session(LIVE_STUDENT, live=True), self._session(LIVE_GENERATOR, target.weights, live=True))
        return GraphSteps(*networks, self._hear(target, live=True))

    def forget(self) -> None:
        """As Networks.forget."""
        self._heard.cache_clear()
        with self._lock:
            self._sessions = {key: session for key, session in self._sessions.items() if key[0].parent == self.folder}

    def leave_device(self) -> None:
        """As Networks.leave_device."""
        with self._lock:
            self._providers = pick_providers("cpu")
            self._sessions = {key: session for key, session in self._sessions.items() if key[1]}


class GraphSteps:
    """autovoice.networks.Steps over graphs of one frame."""

    def __init__(self, student: Session, generator: Session, heard: Arrays) -> None:
        self._student, self._generator, self._heard = student, generator, heard
        self._stem_past, self._student_past = no_stem_past(student, 1), no_past(student, 1)
        self._past = no_past(generator, 1)

    def content(self, wav: np.ndarray) -> np.ndarray:
        """As Steps.content."""
        made = self._student.run(pairs=student_pairs(wav[None]), stem_past=self._stem_past, past=self._student_past)
        self._stem_past, self._student_past = made["stem_after"], made["after"]
        return made["content"][0]

    def filters(self, content: np.ndarray, f0: np.ndarray, loudness: np.ndarray) -> Filters:
        """As Steps.filters."""
        frames = {"content": content[None], "f0": f0[None], "loudness": loudness[None], "past": self._past}
        made = self._generator.run(**frames, **self._heard)
        self._past = made["after"]
        return Filters(made["harmonic"], made["phase"], made["breath"])
