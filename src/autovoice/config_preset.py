"""Configuration of the presets fast, balanced and quality."""

from dataclasses import dataclass


@dataclass
class PresetConfig:
    """One rung of the ladder from fast to quality."""

    encoder: str = "large"  # large | student: what hears the words; the causal student is faster, and can stream
    reference_s: float = 12.0  # seconds of the target that the generator attends to
    mapping: float = 0.85  # 0 to 1: share of the linear map from the source's content to the target's
    retrieval: float = (
        0.5  # 0 to 1: share of content replaced by the target's nearest frames, where there is no such map
    )
    retrieval_k: int = 4
    feedback: float = 0.0  # of the words that a first pass loses, how much a second one is given back; 0: none
    voice_feedback: float = 0.0  # and of the voice that it misses; both 0: one pass
    guidance: float = 0.3  # how much further from the source's own voice than it comes by itself; 0: none
    sharpening: float = 0.1  # how much more contrast the formants get than they come with; 0: none
    chunk_s: float = 24.0  # the generator makes so much at once; it changes memory, not the result
    context_s: float = 2.0
