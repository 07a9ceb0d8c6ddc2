"""python -m autovoice.export.own_process FOLDER: writes what autovoice.export.own asks for, as JSON on standard input."""

import json
import sys
from pathlib import Path
from typing import Any

from autovoice.bundle import MANIFEST
from autovoice.config import AudioConfig, ContentConfig
from autovoice.export.bundle import write_bundle
from autovoice.export.graphs import export_generator
from autovoice.export.live import export_live_generator
from autovoice.files import sha256_file, write_json
from autovoice.models.torch_networks import load_generator


def make(out: Path, asked: dict[str, Any]) -> None:
    """asked: audio, content and, for an adapted generator's graphs alone, weights."""
    audio, content = AudioConfig(**asked["audio"]), ContentConfig(**asked["content"])
    if "weights" not in asked:
        write_bundle(out, {}, audio, content, {}, {}, "onnx")
        return
    generator = load_generator(Path(asked["weights"]), audio, content)
    export_generator(generator, out, audio.n_mels)
    export_live_generator(generator, out, audio.n_mels)
    write_json(out / MANIFEST, {path.name: sha256_file(path) for path in sorted(out.iterdir())})


if __name__ == "__main__":
    make(Path(sys.argv[1]), json.load(sys.stdin))
