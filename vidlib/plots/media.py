"""Figures of a video file: a sheet of frames, the duration of its frames, the level of its sound."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from vidlib.media.audio import SAMPLE_RATE, Waveform
from vidlib.plots import style
from vidlib.plots.pictures import Cell, Sheet, sheet
from vidlib.timeline import FPS, timecode

SILENCE_DB = -60
"""The lowest level in the figure, in dB relative to full scale."""

LEVEL_EVERY_S = 0.1
"""Seconds of sound that a figure shows as one value."""


def contact_sheet(side_by_side: Path, numbers: Sequence[int], columns: int = 6) -> Sheet:
    """The frames with these ``numbers`` (from 0) of a 25 fps video, each under its timecode.

    ``side_by_side`` is a picture with all of them in one row.
    """
    with Image.open(side_by_side) as picture:
        stills = np.split(np.asarray(picture.convert("RGB")), len(numbers), axis=1)
    return sheet([Cell(still, timecode(number)) for number, still in zip(numbers, stills, strict=True)], columns)


@style.styled
def frame_spacing(source: Sequence[Fraction], result: Sequence[Fraction]) -> Figure:
    """The duration of each frame in ms, before and after conversion, from the sorted times of both in seconds."""
    fig, ax = style.figure(10, 2.6)
    for times, label, colour, width in ((source, "source", style.WARNING, 3), (result, "result", style.ACCENT, 1.5)):
        at_s = np.array(times, float)
        ax.step(at_s[:-1], np.diff(at_s) * 1000, where="post", color=colour, linewidth=width, label=label)
    style.time_axis(ax, float(max(source[-1], result[-1]) + 1 / FPS))
    ax.margins(y=0.2)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("duration (ms)")
    ax.set_title("Duration of each frame")
    ax.legend(loc="lower right", ncols=2, frameon=False)
    return fig


@style.styled
def sound_level(waveform: Waveform, sample_rate: int = SAMPLE_RATE) -> Figure:
    """The level of mono sound, (n,) float32 in [-1, 1], every tenth of a second, in dB relative to full scale."""
    starts_s, blocks = sound_blocks(waveform, sample_rate)
    rms = np.sqrt(np.square(blocks, dtype=np.float64).mean(axis=1))
    level_db = 20 * np.log10(np.maximum(rms, 10 ** (SILENCE_DB / 20)))
    fig, ax = style.figure(10, 2.2)
    ax.fill_between(starts_s, SILENCE_DB, level_db, color=style.ACCENT, step="post")
    style.time_axis(ax, max(len(level_db), 1) * LEVEL_EVERY_S)
    ax.set_ylim(SILENCE_DB, 0)
    ax.set_ylabel("level (dB)")
    ax.set_title("Level of the first audio track" if len(waveform) else "No sound")
    return fig


def sound_blocks(waveform: Waveform, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Mono sound (n,) in blocks of `LEVEL_EVERY_S`: their starts in seconds, (blocks,), and (blocks, samples)."""
    block = int(sample_rate * LEVEL_EVERY_S)
    blocks = waveform[: len(waveform) // block * block].reshape(-1, block)
    return np.arange(len(blocks)) * LEVEL_EVERY_S, blocks
