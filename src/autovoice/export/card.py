"""The base model's card: what it learnt from, how, and what it was measured at."""

import json
from dataclasses import fields
from typing import Any

from autovoice.config import AudioConfig, Config, ContentConfig, ModelConfig
from autovoice.config_pretrain import PretrainConfig
from autovoice.reproducibility import environment_record

CURVE_ROWS = 12


def base_card(cfg: Config, recipe: dict[str, Any], history: list[dict[str, float]], summary: dict[str, Any]) -> str:
    """Markdown. recipe: recipe.json; history: losses by step; summary: the verify stage's summary.json."""
    lines = ["# The base model", "", "## Data", ""]
    lines.append(f"{recipe['recordings']} recordings of {recipe['speakers']} people, and of as many pseudo-speakers.")
    for column in ("licence", "source", "lang", "gender"):
        lines += ["", f"| {column} | people | hours |", "|---|---|---|"]
        lines += [f"| {value} | {n['people']} | {n['hours']:.2f} |" for value, n in recipe[column].items()]
    lines += ["", "## Training", "", "```json", json.dumps({"seed": cfg.seed, **_settings(cfg)}, indent=2), "```", ""]
    lines += _curve(history)
    lines += ["", "## Measured", "", "People whom training never heard; mean [95 % interval] (floor, ceiling), n.", ""]
    for system, metrics in summary["systems"].items():
        lines += [
            f"### {system}",
            "",
            "| metric | mean | interval | floor | ceiling | n |",
            "|---|---|---|---|---|---|",
        ]
        for name, m in metrics.items():
            if m["mean"] is not None:
                cells = [
                    "" if m[key] is None else f"{m[key]:.4g}" for key in ("mean", "low", "high", "floor", "ceiling")
                ]
                lines.append(f"| {name} | {cells[0]} | {cells[1]} to {cells[2]} | {cells[3]} | {cells[4]} | {m['n']} |")
        lines.append("")
    lines += ["## Where", "", "```json", json.dumps(environment_record(), indent=2, sort_keys=True), "```", ""]
    return "\n".join(lines)


def _settings(cfg: Config) -> dict[str, Any]:
    """Fields of the groups by name: a stage sees a view of its configuration, which asdict does not take."""
    groups: dict[str, Any] = {"audio": cfg.audio, "content": cfg.content, "model": cfg.model, "pretrain": cfg.pretrain}
    kinds = (AudioConfig, ContentConfig, ModelConfig, PretrainConfig)
    return {
        name: {field.name: getattr(group, field.name) for field in fields(kind)}
        for (name, group), kind in zip(groups.items(), kinds, strict=True)
    }


def _curve(history: list[dict[str, float]]) -> list[str]:
    if not history:
        return []
    every = max(1, len(history) // CURVE_ROWS)
    rows = history[::every] + ([history[-1]] if (len(history) - 1) % every else [])
    lines = ["| step | log-mel L1 | log-magnitude L1 |", "|---|---|---|"]
    return lines + [f"| {row['step']:.0f} | {row['mel']:.3f} | {row['log_l1']:.3f} |" for row in rows]
