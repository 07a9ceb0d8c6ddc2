"""Reads Whisper weights out of a CTranslate2 model.bin (only to cut the content encoder that ships)."""

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class _Cursor:
    def __init__(self, blob: bytes) -> None:
        self.blob, self.at = blob, 0

    def number(self, code: str) -> int:
        value = struct.unpack_from("<" + code, self.blob, self.at)[0]
        self.at += struct.calcsize("<" + code)
        return value

    def text(self) -> str:
        size = self.number("H")
        self.at += size
        return self.blob[self.at - size : self.at - 1].decode()

    def array(self) -> np.ndarray:
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype, n_bytes = np.dtype(_DTYPES[self.number("B")]), self.number("I")
        self.at += n_bytes
        return np.frombuffer(self.blob, dtype, n_bytes // dtype.itemsize, self.at - n_bytes).reshape(shape)


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """All variables of a CTranslate2 model.bin by name."""
    cursor = _Cursor(Path(path).read_bytes())
    cursor.number("I"), cursor.text(), cursor.number("I")  # version, specification, revision
    return {cursor.text(): cursor.array() for _ in range(cursor.number("I"))}


def whisper_state_dict(path: Path, n_layers: int) -> dict[str, Tensor]:
    """State dict of models.whisper.WhisperEncoder from model.bin at `path`."""
    variables = read_variables(path)
    names = {
        "norm_attention": "self_attention/layer_norm",
        "qkv": "self_attention/linear_0",
        "out": "self_attention/linear_1",
    }
    names |= {"norm_feed_forward": "ffn/layer_norm", "up": "ffn/linear_0", "down": "ffn/linear_1"}
    state = {"position": variables["encoder/position_encodings/encodings"]}
    for conv in ("conv1", "conv2"):
        state |= {f"{conv}.{part}": variables[f"encoder/{conv}/{part}"] for part in ("weight", "bias")}
    for i in range(n_layers):
        for ours, theirs in names.items():
            weight, bias = ("gamma", "beta") if "norm" in ours else ("weight", "bias")
            state[f"layers.{i}.{ours}.weight"] = variables[f"encoder/layer_{i}/{theirs}/{weight}"]
            state[f"layers.{i}.{ours}.bias"] = variables[f"encoder/layer_{i}/{theirs}/{bias}"]
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in state.items()}
