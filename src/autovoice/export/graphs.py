"""ONNX graphs of the networks: dynamic length and batch, streaming state explicit, weights as small as their files."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from torch import Tensor, nn

from autovoice.audio.mel import N_MELS, SPEAKER_FRAMES, SPEAKER_MELS
from autovoice.config import AudioConfig
from autovoice.errors import ConfigError
from autovoice.files import replacing
from autovoice.graphs import CONTENT, GENERATOR, HEARING, SPEAKER, STUDENT
from autovoice.models.generator import Generator
from autovoice.models.speaker import EMBEDDING_DIM, SpeakerEmbedder
from autovoice.models.stream import GeneratorStep, Hearing, StudentStep
from autovoice.models.torch_networks import TorchNetworks
from autovoice.models.whisper import WhisperEncoder

OPSET = 17
BATCH, LENGTH = {0: "batch"}, "length"
SMALL = 1024  # numbers up to which an initializer stays float32


class _OfMel(nn.Module):
    """The large encoder without its spectra."""

    def __init__(self, encoder: WhisperEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, mel: Tensor) -> Tensor:
        """mel (B, 80, T) -> (B, ceil(T / 2), dim)."""
        return self.encoder.of_mel(mel)


def export_encoders(networks: TorchNetworks, out: Path, fp16: bool = False) -> None:
    """Writes the content encoders and the speaker encoder to `out`; raises ConfigError for an encoder of a model hub.

    fp16: the content encoders compute in float16, which a GPU does faster.
    """
    encoder, student = networks.encoder, StudentStep(networks.student)
    if not isinstance(encoder, WhisperEncoder):
        name = networks.config.name
        raise ConfigError("cannot be exported", f"content.name={name}", "export with content.name=whisper-base")
    write_graph(_OfMel(encoder), out / CONTENT, {"mel": torch.randn(2, N_MELS, 60)}, {"mel": 2}, ["content"], fp16=fp16)
    stem_past, past = student.no_past(2)
    inputs = {"pairs": torch.randn(2, 2 * N_MELS, 40), "stem_past": stem_past, "past": past}
    write_graph(student, out / STUDENT, inputs, {"pairs": 2}, ["content", "stem_after", "after"], fp16=fp16)
    windows = {"mel": torch.rand(3, SPEAKER_FRAMES, SPEAKER_MELS)}
    write_graph(SpeakerEmbedder().encoder.eval(), out / SPEAKER, windows, {}, ["embedding"])


def export_generator(generator: Generator, out: Path, n_mels: int = AudioConfig.n_mels, fp16: bool = False) -> None:
    """Writes a generator to `out`: what it makes of a voice, and of frames with the state before them; fp16 of both."""
    step, hearing, dim = GeneratorStep(generator), Hearing(generator), generator.bottleneck.in_features
    reference = {"ref_content": torch.randn(2, 30, dim), "ref_mel": torch.randn(2, 30, n_mels)}
    voice = {"spk_emb": torch.rand(2, EMBEDDING_DIM), **reference}
    write_graph(hearing, out / HEARING, voice, dict.fromkeys(reference, 1), ["ada", "keys", "values"], fp16=fp16)
    with torch.no_grad():
        ada, keys, values = hearing(*voice.values())
    frames = {"content": torch.randn(2, 20, dim), "f0": torch.full((2, 40), 150.0), "loudness": torch.zeros(2, 40)}
    inputs = {**frames, "past": step.no_past(2), "ada": ada, "keys": keys, "values": values}
    lengths = {**dict.fromkeys(frames, 1), "keys": 2, "values": 2}
    write_graph(step, out / GENERATOR, inputs, lengths, ["harmonic", "phase", "breath", "after"], fp16=fp16)


def write_graph(
    module: nn.Module,
    path: Path,
    inputs: dict[str, Tensor],
    lengths: dict[str, int],
    outputs: list[str],
    batch: bool = True,
    fp16: bool = False,
) -> None:
    """lengths: of the inputs whose length varies, the axis that it is; batch: whether the number of rows varies too.

    fp16: all but inputs and outputs is float16; else weights are stored so where that is exact, and all is computed in float32.
    """
    rows = BATCH if batch else {}
    axes = {name: rows | ({lengths[name]: f"{name}_{LENGTH}"} if name in lengths else {}) for name in inputs}
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer: nothing here branches on a value
        torch.onnx.export(
            module.cpu().eval(), tuple(inputs.values()), str(temporary), dynamo=False, opset_version=OPSET,
            input_names=list(inputs), output_names=outputs, dynamic_axes=axes | dict.fromkeys(outputs, rows),
        )  # fmt: skip
        model = onnx.load(str(temporary))
        if fp16:
            model = convert_float_to_float16(model, keep_io_types=True)
        else:
            _halve(model.graph)
        onnx.save(model, str(temporary))


def _halve(graph: onnx.GraphProto) -> None:
    """Stores as float16, to be cast when the graph is loaded, what float16 holds exactly: weights files are float16."""
    kept, casts = [], []
    for initializer in graph.initializer:
        value = numpy_helper.to_array(initializer)
        if value.dtype == np.float32 and value.size > SMALL and np.array_equal(value.astype(np.float16), value):
            name = f"{initializer.name}_half"
            kept.append(numpy_helper.from_array(value.astype(np.float16), name))
            casts.append(helper.make_node("Cast", [name], [initializer.name], to=TensorProto.FLOAT))
        else:
            kept.append(initializer)
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
