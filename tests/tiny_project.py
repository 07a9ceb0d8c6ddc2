"""A copy of the project in which the whole pipeline takes minutes: a git repository of its own, with an environment of its own.

Its configuration is composed with an experiment `tiny` by default, so that commands are run as the documentation writes them: two
readers, few steps and metrics, and a gate without a baseline whose bounds anything reaches.
"""

import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

from audio_files import DEMO
from doc_blocks import ROOT

TINY = """# @package _global_
defaults:
  - smoke
  - _self_
dataset: {path: data/raw/tiny, adapt: [narrator]}
trainer: {batch_size: 1, patience: 1, reference_s: 1.0, adversarial: false, num_threads: 1, max_cer: 1.0}
evaluate: {metrics: [secs, campp, f0, asr, duration], anchors: [], num_workers: 1}
gate:
  floors: {adapted/balanced: {f0_rmse_hz: {max: 1.0e+4}, secs: {min: -1.0}, campp: {min_share: -100.0}, cer: {max: 100.0}}}
"""
READERS, N_RECORDINGS = ("allison", "narrator"), 5  # of 2 to 6 s each
IDENTITY = {"NAME": "Test", "EMAIL": "test@localhost"}


def make_environment(project: Path) -> None:
    """project/.venv: the packages of this environment, the project's own code, and what says to make that all is there."""
    environment = project / ".venv"
    venv.create(environment, symlinks=True)
    scripts, packages = environment / "bin", Path(sysconfig.get_path("purelib", vars={"base": environment}))
    lines = [str(project / "src"), f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"]
    (packages / "tiny.pth").write_text("\n".join(lines), encoding="utf-8")
    for path in Path(sysconfig.get_path("scripts")).iterdir():
        if path.is_file() and not (scripts / path.name).exists():
            raw = path.read_bytes()
            first, _, rest = raw.partition(b"\n")
            own = first.startswith(b"#!") and b"python" in first
            (scripts / path.name).write_bytes(b"#!%s/python\n%s" % (os.fsencode(scripts), rest) if own else raw)
            shutil.copymode(path, scripts / path.name)
    (environment / "stamp-cpu").touch()


def write_recordings(folder: Path) -> None:
    """folder/READER: a few of the demo's recordings."""
    for reader in READERS:
        (folder / reader).mkdir(parents=True)
        for path in sorted((DEMO / reader).glob("*.flac"))[:N_RECORDINGS]:
            shutil.copy(path, folder / reader)


def copy_project(folder: Path) -> None:
    """The working tree of this repository, but for what git ignores."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def make_project(folder: Path, settings: str = TINY) -> Path:
    """The same, made tiny and committed in a repository of its own. Nothing has been run in it."""
    copy_project(folder)
    (folder / "metrics/baseline.json").unlink()
    write_recordings(folder / "data/raw/tiny")
    write_recordings(folder / "recordings")  # as a page calls one's own
    (folder / "conf/experiment/tiny.yaml").write_text(settings, encoding="utf-8")
    config = folder / "conf/config.yaml"
    text = config.read_text(encoding="utf-8")
    assert "- experiment: null" in text
    config.write_text(text.replace("- experiment: null", "- experiment: tiny"), encoding="utf-8")
    make_environment(folder)
    in_project(folder, "make --silent params")
    in_project(
        folder,
        "git init --quiet --initial-branch main && git add --all && git commit --quiet --message 'A tiny project'",
    )
    return folder


def environment_of(project: Path) -> dict[str, str]:
    """The variables of a shell in which the project's environment is active."""
    foreign = ("PYTHON", "PYTEST_", "MLFLOW_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {
        "PATH": f"{project / '.venv/bin'}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(project / ".venv"),
        "OMP_NUM_THREADS": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(project / ".dvc/tmp/site"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return (
        kept | own | {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()}
    )


def in_project(project: Path, command: str, timeout_s: float = 1800) -> str:
    """Runs bash in the project's environment; must end well. What it printed."""
    with tempfile.TemporaryFile("w+") as said:  # no pipe: what is started in the background would hold it open
        argv, where = ["bash", "-euo", "pipefail", "-c", command], environment_of(project)
        done = subprocess.run(
            argv, cwd=project, env=where, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=timeout_s
        )
        said.seek(0)
        text = said.read()
    assert done.returncode == 0, f"{command}\n{text[-5000:]}"
    return text


def wait_for_queue(project: Path, timeout_s: float = 1800) -> None:
    """Until every experiment of the queue has ended; each must have ended well."""
    until = time.monotonic() + timeout_s
    while {"Queued", "Running"} & set((said := in_project(project, "dvc queue status")).split()):
        assert time.monotonic() < until, said
        time.sleep(10)  # asking costs seconds of a core
    assert "Success" in said, said
    assert "Failed" not in said, said
