"""The transcript of one video as paragraphs to read, for the report and the notebook of *audio*."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from markupsafe import Markup

from vidlib.params import Frozen
from vidlib.timeline import Word, nearest_frame, smpte

if TYPE_CHECKING:
    from IPython.display import HTML

PAUSE_S = 2.0
"""A pause from this length on, in seconds, begins a new paragraph."""

MAX_S = 30.0
"""Longest paragraph, in seconds, so that its time leads near every word."""

UNSURE = 0.5
"""Confidence below which a word is marked, so that a reader checks it."""


class Paragraph(Frozen):
    """Words of one speaker, from ``start_s`` to ``stop_s`` seconds; ``words`` are (text, confidence or None)."""

    start_s: float
    stop_s: float
    speaker: str | None
    words: tuple[tuple[str, float | None], ...]


def paragraphs(words: Iterable[Word]) -> tuple[Paragraph, ...]:
    """The paragraphs of ``words``, which are in order of time."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and _continues(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    return tuple(
        Paragraph(
            start_s=group[0].start_s,
            stop_s=max(word.stop_s for word in group),
            speaker=group[0].speaker,
            words=tuple((word.text, word.confidence) for word in group),
        )
        for group in groups
    )


def _continues(group: Sequence[Word], word: Word) -> bool:
    return (
        group[-1].speaker == word.speaker
        and word.start_s - group[-1].stop_s < PAUSE_S
        and word.stop_s - group[0].start_s <= MAX_S
    )


def render(
    rows: Sequence[Paragraph],
    colors: Mapping[str, str],
    names: Mapping[str, str] = MappingProxyType({}),
    start: int = 0,
    unknown: str = "unknown",
) -> Markup:
    """The paragraphs as HTML, with the time code and the speaker of each. Unsure words are underlined.

    ``names`` maps speaker labels to names; ``unknown`` names a speaker without a label. ``start`` is the time code of
    the video, in frames since 00:00:00:00.
    """
    from vidlib.plots import style

    dot = '<i class="vr-dot" style="background:{color}"></i>'
    line = Markup(f'<p class="vr-paragraph"><time>{{clock}}</time> {dot}<b>{{name}}</b> {{text}}</p>')
    return Markup("\n").join(
        line.format(
            clock=smpte(start + nearest_frame(row.start_s)),
            color=colors.get(row.speaker or "", style.NOBODY),
            name=names.get(row.speaker or "", row.speaker or unknown),
            text=Markup(" ").join(_word(text, confidence) for text, confidence in row.words),
        )
        for row in rows
    )


def _word(text: str, confidence: float | None) -> Markup:
    if confidence is None or confidence >= UNSURE:
        return Markup.escape(text)
    return Markup('<u title="{:.0f} %">{}</u>').format(100 * confidence, text)


def show(words: Sequence[Word], note: str) -> "HTML":
    """The text for a notebook, below a ``note``."""
    from IPython.display import HTML

    from vidlib.plots import style

    rows = paragraphs(words)
    colors = style.speaker_colors(sorted({row.speaker for row in rows if row.speaker}))
    return HTML(Markup("<p>{}</p>\n{}").format(note, render(rows, colors)))
