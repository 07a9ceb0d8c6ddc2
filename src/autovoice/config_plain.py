"""Overrides without Hydra, for a run time that has no more than dataclasses and YAML."""

import copy
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import yaml

from autovoice.config import Config
from autovoice.config_rules import check_keys, check_values
from autovoice.errors import ConfigError


def overridden(config: Config, overrides: Sequence[str]) -> Config:
    """A copy of config with KEY=VALUE of dotted keys, values in YAML; raises ConfigError on a wrong key, type or value."""
    changed = copy.deepcopy(config)
    for text in overrides:
        key, equals, written = text.partition("=")
        if not equals:
            raise ConfigError("is not KEY=VALUE", text, "write it as serve.queue=200")
        *groups, name = key.split(".")
        check_keys(_nested(key.split(".")), Config)
        owner: Any = changed
        for group in groups:
            owner = owner[group] if isinstance(owner, dict) else getattr(owner, group)
        setattr(owner, name, _of_kind(key, written, getattr(owner, name)))
    check_values(changed)
    return changed


def _nested(names: list[str]) -> dict[str, Any]:
    return {names[0]: _nested(names[1:]) if len(names) > 1 else None}


def _of_kind(key: str, written: str, now: Any) -> Any:
    """The value that is written, of the kind of the one that it replaces."""
    try:
        value = yaml.safe_load(written) if not isinstance(now, str) else written
    except yaml.YAMLError as error:
        raise ConfigError("is not valid YAML", f"{key}={written}", "quote it") from error
    if isinstance(now, float) and isinstance(value, int | str) and not isinstance(value, bool):
        with suppress(ValueError):
            return float(value)  # YAML reads 1e9 as text
    if type(value) is not type(now):
        raise ConfigError(f"{written!r} is no {type(now).__name__}", key, "give a value of that type")
    return value
