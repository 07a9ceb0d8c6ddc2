"""SwiftF0 (Nieradzik 2025) in torch, for devices on which one CPU core would take longer than all other networks together.

Weights and filters are read from the graph that the package swift-f0 ships, so that nothing is kept twice. What it does around
the network, windows of 30 s, range and silence, is its own `detect` here too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx  # every extra that brings torch brings it; onnxruntime runs a graph but does not tell its weights
import swift_f0
import torch
from onnx.numpy_helper import to_array
from torch import Tensor, nn

from autovoice.audio.f0 import SAMPLE_RATE
from autovoice.errors import AssetError

GRAPH = Path(swift_f0.__file__).with_name("model.onnx")
HOP, BANDS, PITCHES = 256, 128, 95  # samples; of each spectrum, and those candidates of 1 / 17 octave that are scored
FLOOR = 1e-8  # magnitude, before the logarithm
N_BLOCKS = 6
N_CONVOLUTIONS = 2 * N_BLOCKS + 6
Arrays = Mapping[str, np.ndarray]


class LogSpectrum(nn.Module):
    """Log magnitudes in BANDS, HOP apart and centred on multiples of it; silence lies around the recording."""

    filters: Tensor
    window: Tensor

    def __init__(self, filters: Tensor) -> None:
        """filters: (n_fft // 2 + 1, BANDS)."""
        super().__init__()
        self.n_fft = 2 * (len(filters) - 1)
        self.register_buffer("filters", filters.T.contiguous())
        self.register_buffer("window", torch.hann_window(self.n_fft))

    def forward(self, wav: Tensor) -> Tensor:
        """wav (B, T) -> (B, BANDS, T // HOP + 1)."""
        spectrum = torch.stft(wav, self.n_fft, HOP, window=self.window, pad_mode="constant", return_complex=True)
        return (self.filters @ spectrum.abs() + FLOOR).log()


class Convolution(nn.Module):
    """One that never computes in TF32, as others do on a GPU: so rounded, confidences move by up to .003."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, before: Sequence[int], dilation: Sequence[int]) -> None:
        """weight: (out, in, ...); before: zeros on both sides of each axis."""
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)
        self.before, self.dilation = before, dilation

    def forward(self, x: Tensor) -> Tensor:
        """x (B, in, ...) -> (B, out, ...)."""
        ones, zeros = [1] * len(self.before), [0] * len(self.before)
        geometry = (ones, self.before, self.dilation, False, zeros, 1)
        # cudnn's benchmark, determinism, itself, TF32: nn.functional takes them from switches that are other threads' too
        return torch.ops.aten._convolution(x, self.weight, self.bias, *geometry, False, False, True, False)


class PitchNetwork(nn.Module):
    """Three spectra, residual convolutions that hear harmonics of a pitch, and two heads: scores of pitches, and voicing."""

    log_hz: Tensor

    def __init__(self, spectra: Sequence[Tensor], convolutions: Sequence[Convolution], log_hz: Tensor) -> None:
        """spectra: filters of each; convolutions: N_CONVOLUTIONS in the graph's order; log_hz: (PITCHES,) float64."""
        super().__init__()
        self.spectra = nn.ModuleList(LogSpectrum(filters) for filters in spectra)
        self.stem, *blocks = convolutions[: 2 * N_BLOCKS + 1]
        self.first, self.second = nn.ModuleList(blocks[::2]), nn.ModuleList(blocks[1::2])
        self.head, self.heard, self.score, self.voicing, self.confidence = convolutions[2 * N_BLOCKS + 1 :]
        self.register_buffer("log_hz", log_hz)

    def forward(self, wav: Tensor, least_hz: float, most_hz: float) -> tuple[Tensor, Tensor]:
        """wav (B, T) at 16 kHz -> pitch in Hz, float64, and confidence, 0 to 1, (B, max(1, T // HOP)) each."""
        n_frames = max(1, wav.shape[1] // HOP)
        seen = torch.stack([spectrum(wav)[..., :n_frames] for spectrum in self.spectra], 1)
        x = self.stem(seen).relu()
        for first, second in zip(self.first, self.second, strict=True):
            x = (x + second(first(x).relu())).relu()
        x = self.head(x[:, :, : PITCHES + 1]).relu()  # the graph pads below, where a pitch has a neighbour
        x = x[:, :, :PITCHES]
        heard = torch.cat([self.heard(x).amax(2), seen.mean((1, 2))[:, None]], 1)
        confidence = self.confidence(self.voicing(heard).relu()).sigmoid()[:, 0]
        return self._within(self.score(x)[:, 0].mT, confidence, least_hz, most_hz)

    def _within(self, scores: Tensor, confidence: Tensor, least_hz: float, most_hz: float) -> tuple[Tensor, Tensor]:
        """scores (B, frames, PITCHES): the best in range, refined by its neighbours; unvoiced where a better one lies outside."""
        hz = self.log_hz.exp().float()
        inside = (hz >= least_hz) & (hz <= most_hz)
        scored = scores.masked_fill(~inside, -torch.inf)
        near = scored.argmax(-1, keepdim=True) + torch.arange(-1, 2, device=scores.device)
        there = near.clamp(0, PITCHES - 1)
        weights = scored.gather(-1, there).masked_fill(near != there, -torch.inf).double().softmax(-1)
        return (weights * self.log_hz[there]).sum(-1).exp(), confidence * inside[scores.argmax(-1)]


def _convolution(node: onnx.NodeProto, arrays: Arrays) -> Convolution:
    said = {attribute.name: tuple(attribute.ints) for attribute in node.attribute}
    weight, bias = (torch.from_numpy(arrays[name].copy()) for name in node.input[1:])
    return Convolution(weight, bias, said["pads"][: weight.ndim - 2], said["dilations"])


def _filters(graph: onnx.GraphProto, arrays: Arrays) -> list[Tensor]:
    """Those of each spectrum: the graph scatters the few that are not zero."""
    found = []
    for node in graph.node:
        if node.op_type == "ScatterElements":
            shape = next(n.input[1] for n in graph.node if n.op_type == "Reshape" and n.input[0] == node.output[0])
            at, values = (arrays[name] for name in node.input[1:])
            filters = np.zeros(arrays[shape], np.float32)
            np.put(filters, at, values)
            found.append(torch.from_numpy(filters))
    return found


def load_pitch_network(path: Path = GRAPH) -> PitchNetwork:
    """SwiftF0 of the installed package, frozen, on the CPU; raises AssetError for a graph of another architecture."""
    graph = onnx.load(path).graph
    arrays = {constant.name: to_array(constant) for constant in graph.initializer}
    convolutions = [_convolution(node, arrays) for node in graph.node if node.op_type == "Conv"]
    log_hz = [array for array in arrays.values() if array.dtype == np.float64]
    if len(convolutions) != N_CONVOLUTIONS or [array.shape for array in log_hz] != [(PITCHES,)]:
        raise AssetError("is another network than that of swift-f0 0.3.0", str(path), "install that version")
    network = PitchNetwork(_filters(graph, arrays), convolutions, torch.from_numpy(log_hz[0].copy()))
    return network.eval().requires_grad_(False)


class _Session:
    """Runs as onnxruntime's would."""

    def __init__(self, network: PitchNetwork) -> None:
        self.network = network

    @torch.inference_mode()
    def run(self, names: Sequence[str], inputs: Arrays) -> list[np.ndarray]:
        wav = torch.from_numpy(inputs["audio"]).to(self.network.log_hz.device)
        found = self.network(wav, float(inputs["fmin"]), float(inputs["fmax"]))
        return [part.cpu().numpy() for part in found]


class TorchTracker(swift_f0.SwiftF0):
    """An autovoice.audio.f0.Tracker on a device. Several threads may call it at once."""

    def __init__(self, device: torch.device) -> None:
        """Without SwiftF0's own, which makes a session of onnxruntime."""
        self.session = _Session(load_pitch_network().to(device))

    def __call__(self, wav: np.ndarray, f0_min_hz: float, f0_max_hz: float) -> tuple[np.ndarray, np.ndarray]:
        """As autovoice.audio.f0.detect; raises torch.OutOfMemoryError."""
        result = self.detect(wav, SAMPLE_RATE, f0_min_hz, f0_max_hz)
        return result.pitch_hz, result.confidence
