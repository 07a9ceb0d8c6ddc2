"""Graphs for live streams: one frame of one voice, their linears in int8, which takes half of the time at no audible loss.

A frame is too short for anything but the reading of weights, so that int8 is measured faster here, and on whole recordings
it is not used (docs/adr/0011-a-server-makes-its-graphs-and-streams-in-int8.md).
"""

import logging
import shutil
import tempfile
from pathlib import Path

import onnxruntime as ort
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from autovoice.audio.mel import N_MELS
from autovoice.config import AudioConfig
from autovoice.export.graphs import write_graph
from autovoice.files import replacing
from autovoice.graphs import LIVE_GENERATOR, LIVE_STUDENT
from autovoice.models.generator import Generator
from autovoice.models.speaker import EMBEDDING_DIM
from autovoice.models.stream import GeneratorStep, Hearing, StudentStep
from autovoice.models.student import StudentEncoder

REFERENCE = {"keys": 2, "values": 2}  # axes that are as long as a voice's reference


@torch.no_grad()
def export_live_student(student: StudentEncoder, out: Path, int8: bool = True) -> None:
    """Writes the student for one frame to `out`."""
    step = StudentStep(student)
    stem_past, past = step.no_past(1)
    inputs = {"pairs": torch.randn(1, 2 * N_MELS, 1), "stem_past": stem_past, "past": past}
    _write(step, out / LIVE_STUDENT, inputs, {}, ["content", "stem_after", "after"], int8)


@torch.no_grad()
def export_live_generator(generator: Generator, out: Path, n_mels: int = AudioConfig.n_mels, int8: bool = True) -> None:
    """Writes a generator for one frame of content to `out`; nothing where it is not causal."""
    if not generator.causal:
        return
    step, dim = GeneratorStep(generator), generator.bottleneck.in_features
    voice = torch.rand(1, EMBEDDING_DIM), torch.randn(1, 30, dim), torch.randn(1, 30, n_mels)
    ada, keys, values = Hearing(generator)(*voice)
    frame = {"content": torch.randn(1, 1, dim), "f0": torch.full((1, 2), 150.0), "loudness": torch.zeros(1, 2)}
    inputs = {**frame, "past": step.no_past(1), "ada": ada, "keys": keys, "values": values}
    _write(step, out / LIVE_GENERATOR, inputs, REFERENCE, ["harmonic", "phase", "breath", "after"], int8)


def _write(
    module: nn.Module, path: Path, inputs: dict[str, Tensor], lengths: dict[str, int], outputs: list[str], int8: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, replacing(path) as temporary:
        whole, folded = Path(folder) / "whole.onnx", Path(folder) / "folded.onnx"
        write_graph(module, whole, inputs, lengths, outputs, batch=False)
        _fold(whole, folded)
        _quantise(folded, temporary) if int8 else shutil.copyfile(folded, temporary)


def _fold(graph: Path, folded: Path) -> None:
    """Computes what is constant, weights' casts from float16 above all, so that weights are found as such."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC  # no more: that depends on the CPU
    options.optimized_model_filepath = str(folded)
    ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def _quantise(graph: Path, quantised: Path) -> None:
    """Weights to 7 bits a column: in 8, products overflow on CPUs that lack VNNI. Activations are scaled as they come."""
    logging.getLogger().addFilter(_no_advice)
    try:
        quantize_dynamic(
            str(graph), str(quantised), op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True,
            weight_type=QuantType.QInt8, extra_options={"MatMulConstBOnly": True},
        )  # fmt: skip
    finally:
        logging.getLogger().removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    """Whether a log record is not onnxruntime's advice to preprocess, which _fold has done."""
    return "pre-processing" not in record.getMessage()
