"""Separation: a checkpoint is read, joins are not heard, blocks do not matter, and real speech leaves a band."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from audio_files import at_rate, speech

from autovoice.assets import asset_source
from autovoice.errors import AssetError, ConfigError
from autovoice.metrics.separation import si_sdr_db
from autovoice.separation import SAMPLE_RATE, load_separator
from autovoice.separation.demucs import in_pieces
from autovoice.separation.spleeter import N_FFT, Spleeter, _frames, _overlap_add
from autovoice.separation.tensorflow_checkpoint import read_checkpoint
from autovoice.separation.unet import MULTIPLE, UNet, unet_from
from autovoice.song.synthetic import band

needs_weights = pytest.mark.skipif(asset_source("spleeter") == "missing", reason="the asset spleeter is not here")


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def block_of(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB block whose keys share what they have in common, and its trailer."""
    out, before = b"", b""
    for key, value in pairs:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + struct.pack("<II", 0, 1)


def write_checkpoint(folder: Path, variables: dict[str, np.ndarray]) -> tuple[Path, Path]:
    """index and data as TensorFlow writes them; a dim is field 2 of the shape, which is field 2 of the entry."""
    data, entries = b"", [(b"", b"\x08\x01")]
    for name, value in sorted(variables.items()):
        raw = value.astype("<f4").tobytes()
        dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in value.shape))
        entry = b"\x08\x01\x12" + varint(len(dims)) + dims + b"\x20" + varint(len(data)) + b"\x28" + varint(len(raw))
        entries.append((name.encode(), entry + b"\x35" + bytes(4)))
        data += raw
    table = block_of(entries) + bytes(5)
    handle = varint(0) + varint(len(table) - 5)
    index = block_of([(b"z", handle)])
    where = varint(0) + varint(0) + varint(len(table)) + varint(len(index))
    paths = folder / "model.index", folder / "model.data"
    paths[0].write_bytes(table + index + bytes(5) + where + bytes(48 - len(where)))
    paths[1].write_bytes(data)
    return paths


def blocks(wav: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (wav[i : i + size] for i in range(0, len(wav), size))


@pytest.fixture(scope="module")
def unets() -> tuple[UNet, UNet]:
    """Two networks with drawn weights: what is asked of the stream does not depend on them."""
    torch.manual_seed(0)
    return UNet().eval().requires_grad_(False), UNet().eval().requires_grad_(False)


def test_a_checkpoint_reads_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    variables = {
        name: rng.normal(size=shape) for name, shape in {"conv/bias": (3,), "conv/kernel": (5, 5, 2, 300)}.items()
    }
    found = read_checkpoint(*write_checkpoint(tmp_path, variables))
    assert found.keys() == variables.keys()
    for name, value in variables.items():
        np.testing.assert_array_equal(found[name], value.astype(np.float32))


@pytest.mark.parametrize("content", [b"", b"text " * 100, bytes(48)])
def test_anything_else_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index").write_bytes(content)
    (tmp_path / "data").write_bytes(b"1234")
    with pytest.raises(AssetError, match="no TensorFlow checkpoint"):
        read_checkpoint(tmp_path / "index", tmp_path / "data")


def test_a_network_keeps_the_size_of_its_input_and_lowers_it(unets: tuple[UNet, UNet]) -> None:
    magnitude = torch.rand(1, 2, MULTIPLE, 2 * MULTIPLE)
    found = unets[0](magnitude)
    assert found.shape == magnitude.shape
    assert (found >= 0).all()
    assert (found <= magnitude).all()


@pytest.mark.parametrize("n", [1, 1023, 44100])
def test_frames_add_up_to_the_song(n: int) -> None:
    wav, window = np.random.default_rng(0).normal(0, 0.1, (n, 2)).astype(np.float32), torch.hann_window(N_FFT)
    back = np.concatenate(list(_overlap_add(_frames(blocks(wav, 700), window), window)))
    np.testing.assert_allclose(back[N_FFT - 1024 :][:n], wav, atol=1e-6)


@pytest.mark.parametrize("seconds", [0.01, 13.0])
def test_the_vocal_is_as_long_as_the_song_whatever_the_blocks(unets: tuple[UNet, UNet], seconds: float) -> None:
    wav = np.random.default_rng(1).normal(0, 0.1, (int(seconds * SAMPLE_RATE), 2)).astype(np.float32)
    separator = Spleeter(unets)
    whole = np.concatenate(list(separator.vocals(blocks(wav, len(wav)))))
    assert whole.shape == wav.shape
    if seconds > 10:
        np.testing.assert_array_equal(np.concatenate(list(separator.vocals(blocks(wav, 50_001)))), whole)


def test_pieces_fade_into_each_other_and_lose_nothing() -> None:
    wav = np.random.default_rng(2).normal(size=(1003, 2)).astype(np.float32)
    for n in (1, 99, 100, 101, 190, 1003):
        same = np.concatenate(list(in_pieces(blocks(wav[:n], 37), np.copy, 100, 10)))
        assert len(same) == n
        np.testing.assert_allclose(same, wav[:n], atol=1e-6)


def test_an_unknown_separator_is_refused() -> None:
    with pytest.raises(ConfigError, match="spleeter, demucs"):
        load_separator("magic")


@needs_weights
def test_speech_leaves_the_band() -> None:
    voice = at_rate(speech("allison", 6.0), SAMPLE_RATE)
    music = band(len(voice) / SAMPLE_RATE, SAMPLE_RATE)[: len(voice)]
    voice = voice * np.linalg.norm(music) / np.linalg.norm(voice) / np.sqrt(2)
    mixture = (voice[:, None] + music).astype(np.float32)
    found = np.concatenate(list(load_separator("spleeter").vocals(blocks(mixture, 30_000))))
    assert si_sdr_db(voice, found.mean(1)) > si_sdr_db(voice, mixture.mean(1)) + 6
    assert si_sdr_db(music.mean(1), (mixture - found).mean(1)) > 6
    nothing = np.concatenate(list(load_separator("spleeter").vocals(blocks(music, 30_000))))
    assert np.square(nothing).sum() < 1e-3 * np.square(music).sum()


@needs_weights
def test_both_networks_come_from_the_checkpoint() -> None:
    first, second = Spleeter().unets
    assert not torch.equal(first.down[0].weight, second.down[0].weight)
    with pytest.raises(KeyError):
        unet_from({}, 0)
