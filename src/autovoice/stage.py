"""Runs one DVC stage: configuration, seed, tracking, and errors as one sentence."""

import dataclasses
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autovoice import tracking
from autovoice.config import Config, load
from autovoice.errors import AutovoiceError
from autovoice.reproducibility import seed_all

Metrics = dict[str, float]


class ConfigView:
    """A Config whose reader may touch only the dotted keys in `uses`, so that dvc.yaml's params cannot go stale."""

    def __init__(self, value: Any, uses: Sequence[str], prefix: str = "") -> None:
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_uses", tuple(uses))
        object.__setattr__(self, "_prefix", prefix)

    def __getattr__(self, name: str) -> Any:
        key = f"{self._prefix}{name}"
        value = getattr(self._value, name)
        if key in self._uses:
            return value
        if dataclasses.is_dataclass(value) and any(use.startswith(f"{key}.") for use in self._uses):
            return ConfigView(value, self._uses, f"{key}.")
        raise AttributeError(f"this stage uses {key}, which neither its `uses` nor its params in dvc.yaml name")

    def __reduce__(self) -> tuple[Any, ...]:
        return ConfigView, (self._value, self._uses, self._prefix)  # worker processes are held to the same keys

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a stage does not change its configuration")


def run_stage(
    name: str,
    main: Callable[[Config], Metrics | None],
    uses: Sequence[str],
    artifacts: Sequence[str] = (),
    argv: Sequence[str] | None = None,
) -> None:
    """Runs `main` on params.yaml, or on conf/ where argv (default: the process's) holds Hydra overrides.

    uses: dotted keys that `main` may touch; artifacts: globs of files that MLflow keeps a copy of. The returned
    metrics are tracked. An AutovoiceError is one sentence on stderr and exit code 2; a SystemExit of `main` passes.
    """
    try:
        logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its hints are about other products
        config = load(sys.argv[1:] if argv is None else argv)
        seed_all(config.seed)
        started = time.monotonic()
        with tracking.stage_run(name, config) as run:
            try:
                run.results(main(ConfigView(config, uses)) or {})  # type: ignore[arg-type]
            finally:
                run.results({"stage_seconds": time.monotonic() - started})
                run.artifacts([path for pattern in artifacts for path in sorted(Path().glob(pattern))])
    except AutovoiceError as error:
        print(f"{name}: {error.sentence}", file=sys.stderr)
        raise SystemExit(2) from None
