"""What every test needs: no tracking server of the person's, no model hub, few threads."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.pop("MLFLOW_TRACKING_URI", None)

import pytest

pytest_plugins = ["browser", "stores"]


@pytest.fixture(scope="session", autouse=True)
def measures_of_this_session(tmp_path_factory: pytest.TempPathFactory):
    """Metrics are computed by the code under test, not read from what an earlier version left in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr("autovoice.evaluation.cache.cache_dir", lambda: folder)
        yield
