"""Reads variables out of a TensorFlow checkpoint (V2: an index and one data file) without TensorFlow.

The index is a sorted string table as LevelDB writes it; its values are BundleEntryProto messages of protocol buffers
(tensorflow/core/protobuf/tensor_bundle.proto).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from autovoice.errors import AssetError

FOOTER_BYTES, FLOAT = 48, 1
VARINT, FIXED32, BYTES = 0, 5, 2  # wire types
DTYPE, SHAPE, OFFSET, SIZE = 1, 2, 4, 5  # fields of BundleEntryProto


def read_checkpoint(index: Path, data: Path) -> dict[str, np.ndarray]:
    """The float32 variables by name, mapped from the file, not loaded; raises AssetError for anything but a checkpoint."""
    try:
        values = np.memmap(data, np.uint8, "r")
        found = {name: _variable(entry, values) for name, entry in _entries(index.read_bytes()) if name}
    except (IndexError, ValueError, struct.error) as error:
        raise AssetError(
            f"is no TensorFlow checkpoint ({error})", str(index), "delete it and fetch it again"
        ) from error
    return {name: value for name, value in found.items() if value is not None}


def _variable(entry: bytes, values: np.ndarray) -> np.ndarray | None:
    fields = dict(_fields(entry))
    if fields[DTYPE] != FLOAT:
        return None
    shape = [dict(_fields(dim)).get(1, 0) for kind, dim in _fields(fields[SHAPE]) if kind == 2]
    start = fields.get(OFFSET, 0)
    return values[start : start + fields[SIZE]].view("<f4").reshape(shape)


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, BundleEntryProto) of each variable, and the header under the empty name."""
    footer = table[-FOOTER_BYTES:]
    at = 0
    for _ in range(2):  # the handle of the meta-index
        _, at = _varint(footer, at)
    for _, handle in _block(table, footer[at:]):
        for key, value in _block(table, handle):
            yield key.decode(), value


def _block(table: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of an uncompressed block; a key leaves out what it shares with the one before it."""
    start, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    block = table[start : start + size]
    if table[start + size]:
        raise ValueError("a compressed block")
    n_restarts = struct.unpack("<I", block[-4:])[0]
    end, at, key = size - 4 * (n_restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(block, at)
        n_new, at = _varint(block, at)
        n_value, at = _varint(block, at)
        key = key[:shared] + block[at : at + n_new]
        yield key, block[at + n_new : at + n_new + n_value]
        at += n_new + n_value


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(field, value) of a message; numbers and bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: Any
        kind, value = tag & 7, None
        if kind == VARINT:
            value, at = _varint(message, at)
        elif kind in (BYTES, FIXED32):
            size, at = _varint(message, at) if kind == BYTES else (4, at)
            value, at = message[at : at + size], at + size
        else:
            raise ValueError(f"wire type {kind}")
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, position after it); seven bits a byte, the lowest first."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
