"""Figures of the reduced files, drawn from nothing else: what After Effects gets to see."""

from collections import defaultdict
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidlib.plots import style
from vidlib.timeline import FPS, seconds

if TYPE_CHECKING:
    from vidlib.results.exports.audio_json import AudioFile
    from vidlib.results.exports.tracking_json import TrackingFile

CENTRE_IN = 0.75
"""Margin for where a face is, in thousands of pixels."""

MARKER = 3
"""Size of the dot that a track leaves in each frame, in points."""


@style.styled
def positions(tracking: "TrackingFile", audio: "AudioFile") -> Figure:
    """Where each face and thing is from left to right over time, in the colour of its voice while it speaks.

    Above, whose voices are heard.
    """
    colors = style.speaker_colors(audio.speaker_stats)
    n_voices = max(1, len(colors))
    left_in = max(CENTRE_IN, style.beside(colors))
    rows_in = [0.22 * n_voices + 0.1, 2.3]
    fig, (voices, ax) = style.figure(
        11, 1.1 + sum(rows_in), left_in=left_in, nrows=2, sharex=True, height_ratios=rows_in
    )
    _draw_voices(voices, audio, colors)
    _draw_tracks(ax, tracking, colors)
    style.time_axis(ax, float(seconds(len(tracking.frames_analysis))))
    return fig


def _draw_voices(ax: Axes, audio: "AudioFile", colors: dict[str, str]) -> None:
    for row, (label, color) in enumerate(colors.items()):
        heard = [f.frame for f in audio.frames_analysis if label in f.audio_info.active_speaker_labels]
        ax.broken_barh([(_time_s(frame), 1 / float(FPS)) for frame in heard], (row + 0.15, 0.7), color=color, lw=0)
    ax.set(ylim=(max(1, len(colors)), 0), yticks=[row + 0.5 for row in range(len(colors))], yticklabels=list(colors))
    ax.set_title("Voices")
    ax.grid(visible=False, axis="y")


def _draw_tracks(ax: Axes, tracking: "TrackingFile", colors: dict[str, str]) -> None:
    points = defaultdict(list)
    for frame in tracking.frames_analysis:
        for seen in frame.tracked_objects:
            voice = next(iter(seen.active_speakers), None)
            color = colors.get(voice, style.INK) if voice else style.NOBODY
            points[color].append((_time_s(frame.frame), seen.centroid_x))
    # silent ones first, so that who speaks is seen on top of them
    for color in sorted(points, key=lambda color: color != style.NOBODY):
        ax.plot(*zip(*points[color], strict=True), ".", color=color, ms=MARKER, mew=0)
    ax.set(title="Faces and things: coloured while they speak", ylabel="centre, pixels from the left")


@style.styled
def speaker_shares(audio: "AudioFile") -> Figure:
    """How many seconds each speaker says, and which share of all speech that is."""
    stats = audio.speaker_stats
    colors = style.speaker_colors(stats)
    fig, ax = style.figure(11, 0.6 + 0.3 * max(1, len(stats)), left_in=style.beside(stats), top_in=0.1)
    for row, (label, said) in enumerate(stats.items()):
        ax.barh(row, said.total_sec, color=colors[label], height=0.7)
        ax.annotate(
            f"{said.share:.0%}, {said.turns} turn{'s' * (said.turns != 1)}",
            (said.total_sec, row),
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
    """When a frame, counted from 1, begins."""
    return float(seconds(frame - 1))
