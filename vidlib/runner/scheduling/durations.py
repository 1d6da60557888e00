"""How long steps take: expected from earlier runs on the same machine."""

from collections.abc import Mapping
from dataclasses import dataclass

Durations = Mapping[str, tuple[float | None, float]]
"""The mean durations of steps, see `History.mean_durations`."""


@dataclass(frozen=True)
class Forecast:
    """What the history knew when a run began: the mean ``durations`` of steps, and the length of each video in seconds.

    ``lengths_s`` has the SHA-256 of the videos as keys; None for a file without a length.
    """

    durations: Durations
    lengths_s: Mapping[str, float | None]


def expected_s(step: str, length_s: float | None, durations: Durations) -> float | None:
    """The expected duration of a step in seconds for a video of ``length_s`` seconds; None without an earlier one.

    >>> expected_s("scenes", 50.0, {"scenes": (0.2, 7.0)}), expected_s("scenes", None, {"scenes": (0.2, 7.0)})
    (10.0, 7.0)
    """
    if step not in durations:
        return None
    per_second, mean = durations[step]
    return per_second * length_s if per_second and length_s else mean
