"""Transcripts of commands that are refused: what the pages say was printed is printed, to the letter, with exit code 2."""

import subprocess
from pathlib import Path

import pytest
from doc_blocks import Block, taken_by
from tiny_project import copy_project, environment_of, make_environment


@pytest.mark.parametrize("block", taken_by(__file__, "console"), ids=lambda block: block.place)
def test_a_refusal_reads_as_the_page_says(block: Block, tmp_path: Path) -> None:
    copy_project(tmp_path)
    make_environment(tmp_path)
    for command, said in block.dialogue():
        argv = ["bash", "-c", command]
        done = subprocess.run(argv, cwd=tmp_path, env=environment_of(tmp_path), capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", said)
