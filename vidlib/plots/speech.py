"""Figures of speech: the turns of each speaker, their total, their confidence."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from vidlib.media.audio import SAMPLE_RATE, Waveform
from vidlib.plots import style
from vidlib.plots.media import sound_blocks
from vidlib.timeline import Turn, Turns

ROW_IN = 0.3
PALEST = 0.3
"""Opacity of a turn with confidence 0; a turn with confidence 1 is opaque."""


@style.styled
def turns(turns: Sequence[Turn], waveform: Waveform, duration_s: float, sample_rate: int = SAMPLE_RATE) -> Figure:
    """A row for each speaker, with uncertain turns paler, below the mono sound: (n,) float32 in [-1, 1]."""
    speakers = Turns(turns).speakers
    rows_in = ROW_IN * max(1, len(speakers))
    fig, (top, bottom) = style.figure(
        10, 1.9 + rows_in, left_in=style.label_margin(speakers), nrows=2, sharex=True, height_ratios=[0.8, rows_in]
    )
    _draw_sound(top, waveform, sample_rate)
    _draw_rows(bottom, turns, speakers)
    style.time_axis(bottom, duration_s)
    top.set_title("Sound" if len(waveform) else "No sound")
    return fig


@style.styled
def shares(total_s: Mapping[str, float]) -> Figure:
    """The total seconds of speech of each speaker."""
    fig, ax = style.figure(10, 0.9 + ROW_IN * max(1, len(total_s)), left_in=style.label_margin(total_s))
    colors = style.speaker_colors(total_s)
    rows = range(len(total_s))
    bars = ax.barh(rows, list(total_s.values()), color=[colors[speaker] for speaker in total_s], height=0.7)
    ax.set_yticks(rows, list(total_s))
    ax.bar_label(bars, fmt="%.1f s", padding=4, color=style.INK)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.set_xlim(left=0)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("speech (s)")
    ax.set_title("Speech of each speaker" if total_s else "No speech")
    return fig


@style.styled
def confidences(turns: Sequence[Turn], review_below: float, duration_s: float) -> Figure:
    """The confidence of each turn, in [0, 1]. A person should listen to those below ``review_below``."""
    fig, ax = style.figure(10, 2.6)
    colors = style.speaker_colors(Turns(turns).speakers)
    confidence, start_s, stop_s = (
        [getattr(turn, name) for turn in turns] for name in ("confidence", "start_s", "stop_s")
    )
    ax.hlines(confidence, start_s, stop_s, colors=[colors[turn.speaker] for turn in turns], linewidth=5)
    ax.axhspan(0, review_below, color=style.WARNING, alpha=0.08, linewidth=0)
    ax.text(
        0.995, review_below - 0.03, "to check", transform=ax.get_yaxis_transform(), ha="right", va="top", fontsize=8
    )
    ax.set_ylim(0, 1.02)
    ax.set_ylabel("confidence (0 to 1)")
    ax.set_title("Confidence of each turn")
    style.time_axis(ax, duration_s)
    return fig


def _draw_sound(ax: Axes, waveform: Waveform, sample_rate: int) -> None:
    starts_s, blocks = sound_blocks(waveform, sample_rate)
    loudest = float(np.abs(waveform).max(initial=0)) or 1.0
    if len(blocks):
        ax.fill_between(starts_s, blocks.min(axis=1), blocks.max(axis=1), color=style.MUTED, step="post", linewidth=0)
    ax.set_ylim(-1.05 * loudest, 1.05 * loudest)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def _draw_rows(ax: Axes, turns: Sequence[Turn], speakers: Sequence[str]) -> None:
    colors = style.speaker_colors(speakers)
    for row, (speaker, spoken) in enumerate(Turns(turns).by_speaker().items()):
        bars = [(turn.start_s, turn.duration_s) for turn in spoken]
        shades = [to_rgba(colors[speaker], PALEST + (1 - PALEST) * turn.confidence) for turn in spoken]
        ax.broken_barh(bars, (row - 0.38, 0.76), facecolors=shades, linewidth=0)
    ax.set_yticks(range(len(speakers)), speakers)
    ax.set_ylim(max(1, len(speakers)) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.set_title("Turns of each speaker" if turns else "No speech")
