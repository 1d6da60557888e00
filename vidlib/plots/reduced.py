"""Figures of the reduced JSON files, which After Effects loads, and of nothing else.

``tracking`` is the parsed ``_tracking.json``, ``audio`` the parsed ``_audio.json``.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlib.plots import style
from vidlib.timeline import FPS, seconds

Json = Mapping[str, Any]

CENTRE_IN = 0.75
"""Margin in inches for a position of four digits."""

MARKER = 3
"""Size in points of a track's dot in each frame."""


@style.styled
def positions(tracking: Json, audio: Json) -> Figure:
    """The horizontal position of each face and object over time, in the colour of its speaker while it speaks.

    A row for each speaker above shows when that speaker talks.
    """
    colors = style.speaker_colors(audio["speaker_stats"])
    n_speakers = max(1, len(colors))
    left_in = max(CENTRE_IN, style.label_margin(colors))
    rows_in = [0.22 * n_speakers + 0.1, 2.3]
    fig, (speakers, ax) = style.figure(
        11, 1.1 + sum(rows_in), left_in=left_in, nrows=2, sharex=True, height_ratios=rows_in
    )
    _draw_speakers(speakers, audio, colors)
    _draw_tracks(ax, tracking, colors)
    style.time_axis(ax, float(seconds(len(tracking["frames_analysis"]))))
    return fig


def _draw_speakers(ax: Axes, audio: Json, colors: dict[str, str]) -> None:
    for row, (label, color) in enumerate(colors.items()):
        frames = [
            frame["frame"]
            for frame in audio["frames_analysis"]
            if label in frame["audio_info"]["active_speaker_labels"]
        ]
        ax.broken_barh([(_time_s(frame), 1 / float(FPS)) for frame in frames], (row + 0.15, 0.7), color=color, lw=0)
    ax.set(ylim=(max(1, len(colors)), 0), yticks=[row + 0.5 for row in range(len(colors))], yticklabels=list(colors))
    ax.set_title("Speakers")
    ax.grid(visible=False, axis="y")


def _draw_tracks(ax: Axes, tracking: Json, colors: dict[str, str]) -> None:
    points = defaultdict(list)
    for frame in tracking["frames_analysis"]:
        for track in frame["tracked_objects"]:
            speaker = next(iter(track["active_speakers"]), None)
            color = colors.get(speaker, style.INK) if speaker else style.NOBODY
            points[color].append((_time_s(frame["frame"]), track["centroid_x"]))
    # silent tracks first, so that speaking ones are drawn over them
    for color in sorted(points, key=lambda color: color != style.NOBODY):
        ax.plot(*zip(*points[color], strict=True), ".", color=color, ms=MARKER, mew=0)
    ax.set(title="Faces and objects, coloured while speaking", ylabel="centre, pixels from the left")


@style.styled
def speaker_shares(audio: Json) -> Figure:
    """The seconds of each speaker, their share of all speech, and the number of turns."""
    stats = audio["speaker_stats"]
    colors = style.speaker_colors(stats)
    fig, ax = style.figure(11, 0.6 + 0.3 * max(1, len(stats)), left_in=style.label_margin(stats), top_in=0.1)
    for row, (label, totals) in enumerate(stats.items()):
        ax.barh(row, totals["total_sec"], color=colors[label], height=0.7)
        ax.annotate(
            f"{totals['share']:.0%}, {totals['turns']} turn{'s' * (totals['turns'] != 1)}",
            (totals["total_sec"], row),
            (4, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set(
        ylim=(max(1, len(stats)) - 0.5, -0.5), yticks=range(len(stats)), yticklabels=list(stats), xlabel="speech (s)"
    )
    ax.margins(x=0.15)
    ax.grid(visible=False, axis="y")
    return fig


def _time_s(frame: int) -> float:
    """Start in seconds of a frame that is counted from 1."""
    return float(seconds(frame - 1))
