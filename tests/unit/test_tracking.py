"""MLflow: parents, children, steps, and stages that were killed."""

import math
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from autovoice import tracking
from autovoice.config import TrackingConfig, compose
from autovoice.errors import AutovoiceError
from autovoice.files import write_json
from pipelines.export import main as export


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working folder that is a project of its own."""
    (tmp_path / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def runs_of(project):
    """All runs of the project's store."""
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    return client, client.search_runs([client.get_experiment_by_name("autovoice").experiment_id])


def test_two_stages_of_one_experiment_share_a_parent(project):
    for stage in ("prepare", "train"):
        with tracking.stage_run(stage, compose()):
            pass
    _, runs = runs_of(project)
    parents = [r for r in runs if r.data.tags.get("kind") == "experiment"]
    children = [r for r in runs if "stage" in r.data.tags]
    assert len(parents) == 1
    assert {r.data.tags["mlflow.parentRunId"] for r in children} == {parents[0].info.run_id}
    assert {r.data.tags["stage"] for r in children} == {"prepare", "train"}
    assert parents[0].data.params["optim.lr"] == str(compose().optim.lr)


def test_other_parameters_make_another_parent(project):
    for overrides in ([], ["optim.lr=1e-4"]):
        with tracking.stage_run("train", compose(overrides)):
            pass
    _, runs = runs_of(project)
    assert len([r for r in runs if r.data.tags.get("kind") == "experiment"]) == 2


def test_settings_may_have_any_names(project):
    config = compose()
    config.study.variants = {"5 M parameters, 2 + 3 blocks/half": ["model.n_blocks=3"]}
    with tracking.stage_run("study", config):
        pass
    _, runs = runs_of(project)
    parent = next(r for r in runs if r.data.tags.get("kind") == "experiment")
    assert "study.variants.5 M parameters_ 2 _ 3 blocks_half" in parent.data.params


def test_metrics_keep_their_steps_and_nan_is_left_out(project):
    with tracking.stage_run("train", compose()):
        for step, loss in enumerate([3.0, 2.0, math.nan]):
            tracking.log_step_metrics({"loss": loss}, step)
    client, runs = runs_of(project)
    run = next(r for r in runs if r.data.tags.get("stage") == "train")
    assert [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")] == [(0, 3.0), (1, 2.0)]


def test_what_a_stage_ends_with_is_also_the_experiments(project):
    with tracking.stage_run("evaluate", compose()) as run:
        run.results({"adapted/balanced/secs": 0.8})
    _, runs = runs_of(project)
    parent = next(r for r in runs if r.data.tags.get("kind") == "experiment")
    assert parent.data.metrics == {"evaluate/adapted/balanced/secs": 0.8}


def test_artifacts_are_copied(project):
    (project / "data").mkdir()
    (project / "data" / "report.html").write_text("<p>", encoding="utf-8")
    with tracking.stage_run("evaluate", compose()) as run:
        run.artifacts(sorted(project.joinpath("data").relative_to(project).glob("*.html")))
    client, runs = runs_of(project)
    child = next(r for r in runs if r.data.tags.get("stage") == "evaluate")
    assert [a.path for a in client.list_artifacts(child.info.run_id, "data")] == ["data/report.html"]


def test_a_failed_stage_is_marked_failed(project):
    with pytest.raises(RuntimeError), tracking.stage_run("train", compose()):
        raise RuntimeError
    _, runs = runs_of(project)
    assert next(r for r in runs if r.data.tags.get("stage") == "train").info.status == "FAILED"


def test_the_next_start_closes_a_killed_stage(project):
    tracking._open("train", compose())  # what kill -9 leaves behind: a run that nobody closes
    with tracking.stage_run("train", compose()):
        pass
    _, runs = runs_of(project)
    assert sorted(r.info.status for r in runs if r.data.tags.get("stage") == "train") == ["FINISHED", "KILLED"]


@pytest.mark.parametrize("name", tracking.RANKS)
def test_of_several_processes_the_first_alone_is_tracked(project, monkeypatch, name):
    for rank in ("1", "0"):
        monkeypatch.setenv(name, rank)
        with tracking.stage_run("pretrain", compose()) as run:
            run.results({"rank": float(rank)})
    _, runs = runs_of(project)
    assert [r.data.metrics["rank"] for r in runs if r.data.tags.get("stage") == "pretrain"] == [0.0]


def test_outside_a_stage_step_metrics_go_nowhere():
    tracking.log_step_metrics({"loss": 1.0}, 0)


def test_the_environment_wins_over_configuration(project, monkeypatch):
    assert tracking.tracking_uri(TrackingConfig(uri="sqlite:////a.db")) == "sqlite:////a.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5999")
    assert tracking.tracking_uri(TrackingConfig(uri="sqlite:////a.db")) == "http://127.0.0.1:5999"


def test_the_default_store_is_an_absolute_path_in_the_project(project):
    assert tracking.tracking_uri(TrackingConfig()) == f"sqlite:///{project / 'mlflow.db'}"


def test_an_experiment_in_a_temporary_copy_reports_to_the_project(tmp_path, monkeypatch):
    copy = tmp_path / ".dvc" / "tmp" / "exps" / "abc"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert tracking.project_root() == tmp_path


def test_a_store_that_cannot_be_opened_is_one_sentence(project):
    with pytest.raises(AutovoiceError) as caught, tracking.stage_run("x", compose(["tracking.uri=ftp://nowhere"])):
        pass
    assert "\n" not in caught.value.sentence


def test_a_registered_bundle_is_the_champion_once(project):
    bundle = project / "bundle"
    bundle.mkdir()
    for text in ("first", "first", "second"):
        (bundle / "manifest.json").write_text(text, encoding="utf-8")
        with tracking.stage_run("export", compose()):
            tracking.register_bundle(bundle)
    client, _ = runs_of(project)
    champion = client.get_model_version_by_alias("autovoice", "champion")
    assert (int(champion.version), champion.tags["gate"]) == (2, "green")
    assert len(client.search_model_versions("name = 'autovoice'")) == 2
    kept = client.download_artifacts(champion.run_id, "bundle/manifest.json")
    assert Path(kept).read_text(encoding="utf-8") == "second"


def test_a_green_export_is_the_champion_and_a_red_one_is_never_registered(project):
    for folder in ("voices", "gate", "metrics"):
        (project / "data" / folder).mkdir(parents=True)
    write_json(project / "data" / "metrics" / "summary.json", {})
    for number, (green, versions) in enumerate(((False, 0), (True, 1), (False, 1)), 1):
        write_json(project / "data" / "gate" / "verdict.json", {"green": green})
        config = compose([f"presets.fast.retrieval_k={number}"])  # each time another bundle
        with tracking.stage_run("export", config):
            export(config)
        client, _ = runs_of(project)
        assert len(client.search_model_versions("name = 'autovoice'")) == versions
    assert client.get_model_version_by_alias("autovoice", "champion").tags["gate"] == "green"


def test_pairs_are_kept_as_a_table(project):
    with tracking.stage_run("evaluate", compose()):
        tracking.log_table("pairs", {"system": ["a", "b"], "secs": [0.8, None]})
    client, runs = runs_of(project)
    run = next(r for r in runs if r.data.tags.get("stage") == "evaluate")
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["pairs.json"]
