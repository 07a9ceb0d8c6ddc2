"""Licences: the page is what the installation holds, and the default installation holds no GPL and nothing NonCommercial."""

import pytest

from scripts.licences import NOTES, Item, bundled_gpl, default_packages, faults, main


def test_the_page_is_true_and_nothing_is_against_the_rule(capsys):
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_the_default_installation_leaves_out_what_it_must():
    packages = default_packages()
    assert {"torch", "dvc", "mlflow", "fastapi", "faster-whisper", "pygit2"} <= set(packages)
    assert not {"psycopg", "espeakng-loader", "demucs", "pytest"} & set(packages)


@pytest.mark.parametrize(
    ("licence", "forbidden"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0", True),
        ("GNU General Public License v2 (GPLv2)", True),
        ("CC BY-NC 4.0 (NonCommercial)", True),
        ("UNKNOWN", True),
        ("MIT AND GPL-2.0-only", True),
        ("EPL-2.0 OR GPL-2.0-or-later", False),
        ("GPLv2 | EPLv1", False),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v3", False),
        ("CC BY-SA 3.0", False),
        ("Apache-2.0", False),
    ],
)
def test_what_may_be_in_it(licence, forbidden):
    assert Item("some-package", licence).forbidden is forbidden


def test_a_new_package_under_the_gpl_is_found(monkeypatch):
    monkeypatch.delitem(NOTES, "pygit2")
    monkeypatch.delitem(NOTES, "av")
    assert [fault.partition(":")[0] for fault in faults()] == ["pygit2", "av"]


def test_every_bundled_library_under_the_gpl_is_named_on_the_page():
    assert bundled_gpl(default_packages()) == ["av"]
