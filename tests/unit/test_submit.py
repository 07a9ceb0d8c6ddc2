"""A command is handed to the cluster and its output and failure come back: here to submitit's local one."""

import sys

import pytest

from scripts.submit import parse, submit

submitit = pytest.importorskip("submitit", reason="the extra slurm is not installed")


def asked(tmp_path, code):
    return parse(["--cluster", "local", "--gpus", "0", "--logs", str(tmp_path), "--", sys.executable, "-c", code])


def test_what_a_task_prints_comes_back(tmp_path):
    code = "import os; print('task', os.environ['SUBMITIT_LOCAL_GLOBALID'], 'of', os.environ['SUBMITIT_LOCAL_NTASKS'])"
    assert [text.strip() for text in submit(asked(tmp_path, code))] == ["task 0 of 1"]


def test_a_command_that_fails_is_an_error(tmp_path):
    with pytest.raises(submitit.core.utils.FailedJobError, match="cannot go on"):
        submit(asked(tmp_path, "raise SystemExit('cannot go on')"))
