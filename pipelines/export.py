"""Stage export: the bundle of the base model and all voices, checked after it is written; a green one is the champion."""

from autovoice import tracking
from autovoice.bundle import verify_bundle
from autovoice.config import Config
from autovoice.data_layout import ADAPTED, BUNDLE, GATE, METRICS, VOICES
from autovoice.export.bundle import write_bundle
from autovoice.files import read_json
from autovoice.stage import run_stage


def main(cfg: Config) -> dict[str, float]:
    voices = {}
    for folder in sorted(path for path in VOICES.iterdir() if path.is_dir()):
        weights = ADAPTED / folder.name / "weights.safetensors"
        voices[folder.name] = (folder, weights if weights.exists() else None)
    write_bundle(
        BUNDLE,
        voices,
        cfg.audio,
        cfg.content,
        cfg.presets,
        read_json(METRICS / "summary.json", "python -m pipelines.evaluate"),
    )
    verify_bundle(BUNDLE)
    if read_json(GATE / "verdict.json", "python -m pipelines.gate")["green"]:
        tracking.register_bundle(BUNDLE)
    size = sum(path.stat().st_size for path in BUNDLE.rglob("*") if path.is_file())
    return {"voices": float(len(voices)), "size_mb": size / 1e6}


if __name__ == "__main__":
    run_stage("export", main, uses=("audio", "content", "presets"))
