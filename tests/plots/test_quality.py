"""Figures of results beside the truth."""

from tests import evaluated
from vidlib.evaluation.scores import evaluate
from vidlib.plots import quality


def test_every_share_has_a_bar_and_says_of_how_many():
    table = evaluate(evaluated.TRUTH, evaluated.found(turns=[])).table()
    (ax,) = quality.shares(table).axes
    said = [text.get_text() for text in ax.texts]
    n_shares = int(((table.unit == "share") & (table.measure != "error rate")).sum())
    assert len(ax.patches) == len(said) == n_shares
    assert "not known  of 0" in said
    assert "1.000  of 3" in said


def test_true_and_found_shots_lie_one_above_the_other():
    above, below = quality.shots(evaluated.TRUTH.spans(), evaluated.SHOTS[:2]).axes
    assert (above.get_title(loc="left"), below.get_title(loc="left")) == ("4 true", "2 found")
    assert (len(above.collections), len(below.collections)) == (4, 2)
