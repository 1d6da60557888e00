"""Figures of an evaluation."""

from tests import evaluated
from vidlib.evaluation.scores import evaluate
from vidlib.plots import quality


def test_every_share_has_a_bar_and_its_number_of_cases():
    table = evaluate(evaluated.TRUTH, evaluated.found(turns=[])).table()
    (ax,) = quality.shares(table).axes
    labels = [text.get_text() for text in ax.texts]
    n_shares = int(((table.unit == "share") & (table.measure != "error rate")).sum())
    assert len(ax.patches) == len(labels) == n_shares
    assert "unknown  of 0" in labels
    assert "1.000  of 3" in labels


def test_true_shots_are_drawn_above_detected_shots():
    above, below = quality.shots(evaluated.TRUTH.spans(), evaluated.SHOTS[:2]).axes
    assert (above.get_title(loc="left"), below.get_title(loc="left")) == ("4 true", "2 detected")
    assert (len(above.collections), len(below.collections)) == (4, 2)
