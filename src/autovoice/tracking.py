"""MLflow, and nothing else knows it: one parent run an experiment, one child a stage; metric files stay the truth."""

import dataclasses
import hashlib
import json
import logging
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autovoice.config import Config, TrackingConfig, conf_dir
from autovoice.errors import AutovoiceError
from autovoice.files import sha256_file
from autovoice.reproducibility import environment_record

NOT_IN_NAMES = re.compile(
    r"[^\w\-. :]"
)  # of what MLflow takes in a parameter's name, and the slash, which makes folders
MAX_PARAM_CHARS = 500  # MLflow refuses longer values on some stores
CHAMPION = "champion"  # the alias of the version that people should use
RANKS = ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")  # of a process among several: Lightning's own, and SLURM's
UNFINISHED = "attributes.status = 'RUNNING'"


class StageRun:
    """What a stage may say to the tracker. This one is silent: tracking is off."""

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Logs numbers at a step; a value that is None or not finite is left out, as MLflow stores would refuse it."""

    def results(self, values: dict[str, float]) -> None:
        """Logs what the stage ends with, also to the experiment, as stage/name, so that experiments can be compared."""

    def artifacts(self, paths: Sequence[Path]) -> None:
        """Keeps copies of files, below their folders' names."""

    def table(self, name: str, columns: dict[str, list[Any]]) -> None:
        """Keeps a table that MLflow's comparison view can filter and put beside another run's."""

    def register(self, folder: Path) -> None:
        """Keeps a copy of a bundle and makes it the champion of the model registry, unless it is already.

        The registered model has the experiment's name.
        """


class _MlflowRun(StageRun):
    def __init__(self, client: Any, stage: str, run_id: str, parent_id: str) -> None:
        self._client, self._stage, self._run_id, self._parent_id = client, stage, run_id, parent_id

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        self._log(self._run_id, values, step)

    def results(self, values: dict[str, float]) -> None:
        self._log(self._run_id, values, 0)
        self._log(self._parent_id, {f"{self._stage}/{key}": value for key, value in values.items()}, 0)

    def _log(self, run_id: str, values: dict[str, float], step: int) -> None:
        for key, value in values.items():
            if value is not None and math.isfinite(value):
                self._client.log_metric(run_id, key, float(value), step=step)

    def artifacts(self, paths: Sequence[Path]) -> None:
        for path in paths:
            folder = path.parent.as_posix()
            self._client.log_artifact(self._run_id, str(path), None if path.is_absolute() or folder == "." else folder)

    def table(self, name: str, columns: dict[str, list[Any]]) -> None:
        self._client.log_table(self._run_id, columns, f"{name}.json")

    def register(self, folder: Path) -> None:
        from mlflow.exceptions import MlflowException

        model = self._client.get_experiment(self._client.get_run(self._run_id).info.experiment_id).name
        digest = sha256_file(folder / "manifest.json")  # which holds the hash of every other file
        try:
            if self._client.get_model_version_by_alias(model, CHAMPION).tags.get("manifest_sha256") == digest:
                return
        except MlflowException:  # no such model or alias yet
            if not self._client.search_registered_models(f"name = '{model}'"):
                self._client.create_registered_model(model, description="Bundles that the quality gate let through")
        self._client.log_artifacts(self._run_id, str(folder), "bundle")
        source = f"{self._client.get_run(self._run_id).info.artifact_uri}/bundle"
        tags = {"manifest_sha256": digest, "gate": "green"}
        version = self._client.create_model_version(model, source, self._run_id, tags=tags)
        self._client.set_registered_model_alias(model, CHAMPION, version.version)


_current: StageRun = StageRun()


def log_table(name: str, columns: dict[str, list[Any]]) -> None:
    """Keeps a table with the stage that runs now; does nothing outside a stage."""
    _current.table(name, columns)


def register_bundle(folder: Path) -> None:
    """Makes the bundle the registry's champion; does nothing outside a stage or where tracking is off."""
    _current.register(folder)


def log_step_metrics(values: dict[str, float], step: int) -> None:
    """Logs metrics of a training step to the stage that runs now; does nothing outside a stage."""
    _current.metrics(values, step)


def project_root() -> Path:
    """The project's folder; for an experiment that DVC runs in a temporary copy, the project it was copied from."""
    here = Path.cwd().resolve()
    if ".dvc/tmp/exps" in here.as_posix():
        return Path(here.as_posix().split("/.dvc/tmp/exps")[0])
    if (here / "dvc.yaml").is_file():
        return here
    checkout = conf_dir().parent
    return checkout if (checkout / "dvc.yaml").is_file() else here


def tracking_uri(config: TrackingConfig) -> str:
    """The environment's MLFLOW_TRACKING_URI, else the configured one, else an absolute sqlite path in the project."""
    return os.environ.get("MLFLOW_TRACKING_URI") or config.uri or f"sqlite:///{project_root() / 'mlflow.db'}"


@contextmanager
def stage_run(stage: str, config: Config) -> Iterator[StageRun]:
    """Opens the stage's child run below its experiment's parent; ends it as finished, killed or failed."""
    global _current
    first = all(os.environ.get(name, "0") == "0" for name in RANKS)
    if not (config.tracking.enabled and first):  # of several processes the first one tells
        yield StageRun()
        return
    client, parent_id, run_id = _open(stage, config)
    _current = _MlflowRun(client, stage, run_id, parent_id)
    status = "FAILED"
    try:
        yield _current
        status = "FINISHED"
    except SystemExit as stop:
        status = "FAILED" if stop.code else "FINISHED"
        raise
    finally:
        _current = StageRun()
        client.set_terminated(run_id, status)
        client.set_terminated(parent_id, status)


def _open(stage: str, config: Config) -> tuple[Any, str, str]:
    """-> (client, parent run id, child run id)."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that is down is said within seconds
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    uri = tracking_uri(config.tracking)
    record, params = environment_record(), _flatten(dataclasses.asdict(config))
    params_hash = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = _experiment_id(client, config.tracking.experiment, uri)
        parent = _parent(client, experiment, record, params_hash, params)
        _end_killed(client, experiment, parent, stage)
        tags = {"mlflow.parentRunId": parent, "mlflow.runName": stage, "stage": stage, **_tags(record)}
        run_id = client.create_run(experiment, tags=tags, run_name=stage).info.run_id
    except MlflowException as error:
        raise AutovoiceError(
            f"tracking does not answer ({str(error).splitlines()[0][:200]})",
            uri,
            "start it or set tracking.enabled=false",
        ) from error
    return client, parent, run_id


def _experiment_id(client: Any, name: str, uri: str) -> str:
    known = client.get_experiment_by_name(name)
    if known:
        return known.experiment_id
    local = project_root() / "mlartifacts"
    return client.create_experiment(name, artifact_location=local.as_uri() if uri.startswith("sqlite") else None)


def _parent(client: Any, experiment: str, record: dict[str, Any], params_hash: str, params: dict[str, str]) -> str:
    """Finds the experiment's run by commit and parameters, or creates it."""
    query = (
        f"tags.git_sha = '{record['git_sha']}' and tags.params_sha256 = '{params_hash}' and tags.kind = 'experiment'"
    )
    found = client.search_runs([experiment], query, max_results=1)
    if found:
        return found[0].info.run_id
    name = os.environ.get("DVC_EXP_NAME") or f"{record['git_sha'][:7] or 'no-git'}-{params_hash[:6]}"
    tags = {"kind": "experiment", "params_sha256": params_hash, "mlflow.runName": name, **_tags(record)}
    run_id = client.create_run(experiment, tags=tags, run_name=name).info.run_id
    for key, value in params.items():
        client.log_param(run_id, key, value)
    client.log_dict(run_id, record, "environment.json")
    return run_id


def _end_killed(client: Any, experiment: str, parent: str, stage: str) -> None:
    """A stage that was killed could not close its run: its next start does."""
    query = f"tags.`mlflow.parentRunId` = '{parent}' and tags.stage = '{stage}' and {UNFINISHED}"
    for run in client.search_runs([experiment], query):
        client.set_terminated(run.info.run_id, "KILLED")


def _tags(record: dict[str, Any]) -> dict[str, str]:
    return {key: str(record[key] or "") for key in ("git_sha", "dvc_lock_sha256", "data_sha256")}


def _flatten(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        return {k: v for name, item in value.items() for k, v in _flatten(item, f"{prefix}{name}.").items()}
    return {NOT_IN_NAMES.sub("_", prefix.rstrip(".")): str(value)[:MAX_PARAM_CHARS]}
