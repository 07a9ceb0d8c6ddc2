"""What the plot of a study of adaptation shows."""

import pytest

from autovoice.studies.adaptation_report import mean, middle


def test_a_recogniser_that_loops_on_one_sentence_does_not_decide_what_a_plot_shows():
    rows = [{"cer": cer, "secs": secs} for cer, secs in (("0.05", "0.8"), ("20.3", "0.7"), ("0.1", "0.6"), ("", ""))]
    assert middle(rows, "cer") == 0.1
    assert middle(rows, "secs") == mean(rows, "secs") == pytest.approx(0.7)
    assert middle(rows[3:], "cer") != middle(rows[3:], "cer")  # nothing was measured: NaN
