"""Configuration of studies: how good something is against how much of it there is."""

from dataclasses import dataclass, field
from typing import Any


def _variants() -> dict[str, dict[str, Any]]:
    return {
        "all": {},
        "adaln_head": {"trainable": "adaln_head"},
        "low_rank": {"trainable": "low_rank"},
        "mix": {"mix": 0.25},
    }


@dataclass
class AdaptationStudyConfig:
    """Adaptation against seconds of a voice and steps (pipelines/pretraining/adaptation.py), people of pretrain.manifest."""

    readers: list[str] = field(default_factory=lambda: ["kerstin", "flemishguy", "LJ"])  # speakers with the most speech
    seconds: list[float] = field(default_factory=lambda: [5.0, 10.0, 30.0, 60.0, 180.0])
    variants: dict[str, dict[str, Any]] = field(default_factory=_variants)  # name -> fields of trainer set otherwise
    only: list[str] = field(default_factory=list)  # of the variants; empty: all
    n_sources: int = 8  # English sentences, one a person, converted into every voice
    n_mix_people: int = 20  # of the training split, for variants with mix, where trainer.mix_dir names no folder
    preset: str = "balanced"  # of the conversions that are measured
    every_step: bool = True  # measure each validation step; else the base, the chosen and the last one alone
    weights: str = ""  # base generator to adapt; empty: the shipped one
