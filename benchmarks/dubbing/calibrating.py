"""Maps of the confidence that a face speaks: chosen on one kind of footage, and measured on all."""

import numpy as np
import pandas as pd

from vidlib.evaluation.calibration import BINS

MIN_CLAIMS = 30
"""A bin with fewer claims says nothing."""

MAX_LOG_ODDS = 5.0
"""A map has the same value above these log-odds (0.993): nearly all claims are there."""

NONE = (0.0, 1.0)
"""The map that changes nothing."""


def maps(claims: pd.DataFrame, reported: pd.DataFrame) -> pd.DataFrame:
    """How far confidence and share are apart on each kind, without a map and with the map of each kind.

    Both tables have "kind", "confidence" above 0.5, and whether it is "right". ``reported`` claims choose no map.
    """
    everything = [*claims.groupby("kind"), *((f"{kind}, reported", own) for kind, own in reported.groupby("kind"))]
    chosen = {"none": NONE} | {kind: _map_of(own) for kind, own in claims.groupby("kind") if own.right.nunique() == 2}
    return pd.DataFrame(
        {
            f"{name}: {bias:+.2f}, {slope:.2f}": {kind: _distances(own, bias, slope) for kind, own in everything}
            for name, (bias, slope) in chosen.items()
        }
    ).T


def _map_of(claims: pd.DataFrame) -> tuple[float, float]:
    """The bias and the slope of the log-odds that fit best."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(_log_odds(claims)[:, np.newaxis], claims.right)
    return float(model.intercept_[0]), float(model.coef_[0, 0])


def _distances(claims: pd.DataFrame, bias: float, slope: float) -> str:
    """The mean distance of confidence and share over all claims, and in brackets that of the worst bin."""
    mapped = claims.confidence if (bias, slope) == NONE else 1 / (1 + np.exp(-bias - slope * _log_odds(claims)))
    bins = pd.DataFrame({"confidence": mapped, "right": claims.right.astype(float)}).groupby(
        pd.cut(mapped, BINS), observed=True
    )
    means, sizes = bins.mean(), bins.size()
    enough = sizes >= MIN_CLAIMS
    if not enough.any():
        return "–"
    distance = (means.confidence - means.right).abs()[enough]
    return f"{np.average(distance, weights=sizes[enough]):.3f} ({distance.max():.2f})"


def _log_odds(claims: pd.DataFrame) -> np.ndarray:
    confidence = claims.confidence.to_numpy(float)
    return np.minimum(np.log(confidence / (1 - confidence)), MAX_LOG_ODDS)
