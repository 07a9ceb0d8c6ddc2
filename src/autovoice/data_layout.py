"""Where each stage of the pipeline puts its results, below the working directory."""

from pathlib import Path

DATA = Path("data")
PREPARED = DATA / "prepared"
FEATURES = DATA / "features"
VOICES = DATA / "voices"
ADAPTED = DATA / "adapted"
CHECKPOINTS = DATA / "checkpoints"
CONVERTED = DATA / "converted"
METRICS = DATA / "metrics"
GATE = DATA / "gate"
BUNDLE = DATA / "bundle"
