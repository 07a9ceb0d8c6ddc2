"""Configuration of an evaluation protocol: which conversions are made and measured, of whom."""

from dataclasses import dataclass, field


@dataclass
class ProtocolConfig:
    """One evaluation protocol (docs/evaluation.md, Protocols); people are never those of training, but for `seen`."""

    name: str = "zero-shot"  # zero-shot | seedvc | fewshot | copy | singing | seen | speak
    manifest: str = ""  # CSV: path, speaker, gender, split, kind, lang, and text where it is known
    root: str = ""  # folder that its paths start from; empty: the manifest's own
    split: str = "dev"  # of sources
    target_split: str = ""  # of targets; empty: the same
    target_kind: str = "speech"  # speech | singing: what references are
    half: str = "measure"  # choose | measure | all: people are halved by hash; settings are chosen on the one alone
    n_pairs: int = 100  # conversions a preset (fewshot: and a length), but for seedvc
    n_sources: int = 100  # of seedvc and speak, each into each reference
    n_references: int = 12  # people: of seedvc and speak, drawn; of fewshot, those with the most speech
    reference_s: list[float] = field(default_factory=lambda: [10.0])  # seconds of reference; several for fewshot alone
    presets: list[str] = field(default_factory=lambda: ["balanced"])
    metrics: list[str] = field(default_factory=list)  # empty: those of evaluate
    weights: str = ""  # empty: the shipped ones
    training: str = ""  # CSV of whom the weights were trained on; empty: the shipped list, of the shipped weights
    work_dir: str = ".protocols"  # trials, conversions and measurements, a folder a protocol
