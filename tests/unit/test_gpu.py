"""What the doctor says of a GPU: the driver's words, and what is in the way of torch."""

import os
from dataclasses import replace

import pytest

from autovoice import doctor
from autovoice.gpu import Build, Card, cards_here, obstacle, read_cards

CARD = Card("NVIDIA H100", "580.82.07", 78.0, (9, 0))
BUILD = Build("13.0", True, ("sm_80", "sm_90"))
LINE = "NVIDIA H100 80GB HBM3, 550.54.15, 79872, 9.0\n"


def test_a_fitting_card_has_no_obstacle():
    assert obstacle(CARD, BUILD) == ("", "")


@pytest.mark.parametrize(
    ("card", "build", "what", "remedy"),
    [
        (CARD, replace(BUILD, cuda=None), "built for the CPU", "DEVICE=gpu"),
        (replace(CARD, driver="550.54.15"), BUILD, "too old for CUDA 13.0, which needs 580.65", "TORCH_INDEX"),
        (CARD, replace(BUILD, usable=False), "finds no card", "--gpus all"),
        (replace(CARD, capability=(12, 0)), BUILD, "no code for compute capability 12.0", "supports this card"),
        (replace(CARD, free_gib=0.5), BUILD, "only 0.5 GiB", "nvidia-smi"),
    ],
    ids=["cpu build", "old driver", "hidden", "new card", "full"],
)
def test_what_is_in_the_way_is_said_with_its_remedy(card, build, what, remedy):
    said = obstacle(card, build)
    assert what in said[0]
    assert remedy in said[1]


def test_an_older_cuda_is_content_with_that_driver():
    assert obstacle(replace(CARD, driver="550.54.15"), replace(BUILD, cuda="12.6")) == ("", "")


def test_code_to_be_compiled_runs_on_a_later_card():
    assert obstacle(replace(CARD, capability=(12, 0)), replace(BUILD, archs=("sm_90", "compute_90"))) == ("", "")


def test_a_name_with_a_comma_is_read():
    assert read_cards("Card, large, 580.82.07, 1024, 8.6\n") == [Card("Card, large", "580.82.07", 1.0, (8, 6))]


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Puts a program that answers as a driver's does on the path."""

    def install(text, status=0):
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\nprintf '%s' '{text}'\nexit {status}\n", encoding="utf-8")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


def test_the_driver_is_asked(smi):
    smi(LINE)
    assert cards_here() == ([Card("NVIDIA H100 80GB HBM3", "550.54.15", 78.0, (9, 0))], "")


def test_a_driver_that_was_updated_under_a_running_system_is_a_warning_of_the_doctor(smi):
    smi("Failed to initialize NVML: Driver/library version mismatch", 18)
    finding = doctor.devices()[-1]
    assert (finding.state, finding.name) == ("warning", "cuda")
    assert "version mismatch" in finding.value
    assert "restart" in finding.remedy


def test_a_card_that_a_cpu_build_cannot_use_is_a_warning_of_the_doctor(smi, monkeypatch):
    monkeypatch.setattr("torch.version.cuda", None)
    smi(LINE)
    finding = doctor.devices()[-1]
    assert (finding.name, finding.state) == ("cuda:0", "warning")
    assert "built for the CPU" in finding.value


def test_a_library_that_does_not_load_is_a_problem_with_its_remedy(tmp_path, monkeypatch):
    (tmp_path / "broken_native.py").write_text("raise OSError('libgone.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(doctor, "LIBRARIES", {"broken_native": "apt-get install libgone1"})
    (finding,) = doctor.libraries()
    assert (finding.state, finding.remedy) == ("problem", "apt-get install libgone1")
    assert "libgone.so.1" in finding.value
