"""An inaudible mark in whatever this project speaks: put in block by block, found without the original."""

from autovoice.watermark.detector import Detection, detect, detect_file
from autovoice.watermark.embedder import Watermark, marked, marked_blocks
from autovoice.watermark.pattern import STRENGTH_DB

__all__ = ["STRENGTH_DB", "Detection", "Watermark", "detect", "detect_file", "marked", "marked_blocks"]
