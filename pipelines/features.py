"""Stage features: content, f0, loudness, mel and speaker embedding of every prepared segment; resumes where it was."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from autovoice.config import Config
from autovoice.data.manifest import read_manifest
from autovoice.data_layout import FEATURES, PREPARED
from autovoice.models.content import load_content_encoder
from autovoice.stage import run_stage
from autovoice.training.batch import FeatureModule, Jobs, load_feature_job, predict, stored_key


def main(cfg: Config) -> dict[str, float]:
    settings = json.dumps([asdict(cfg.audio), asdict(cfg.content)], sort_keys=True)
    segments = read_manifest(PREPARED / "manifest.csv")
    jobs: list[dict[str, Any]] = [
        {
            "path": PREPARED / segment.path,
            "out": FEATURES / f"{segment.segment_id}.safetensors",
            "key": hashlib.sha256(f"{segment.sha256} {settings}".encode()).hexdigest(),
            "audio": cfg.audio,
        }
        for segment in segments
    ]
    wanted = {job["out"] for job in jobs}
    for stale in set(FEATURES.glob("*.safetensors")) - wanted:
        stale.unlink()
    missing = [job for job in jobs if stored_key(job["out"]) != job["key"]]
    module = FeatureModule(load_content_encoder(cfg.content), cfg.audio, cfg.content)
    predict(module, Jobs(missing, load_feature_job), num_workers=2 if len(missing) > 8 else 0)
    return {"segments": float(len(jobs)), "extracted": float(len(missing))}


if __name__ == "__main__":
    run_stage("features", main, uses=("audio", "content"))
