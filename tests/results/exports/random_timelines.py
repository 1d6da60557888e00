"""Random timelines, and the frames of each clip in them: what every reader has to find again."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from vidlib.results.exports.edit_timeline import Media, Timeline, assemble
from vidlib.timeline import Shot, Span

STARTS = {"00:00:00:00": 0, "10:00:00:00": 900_000, "23:59:59:24": 2_159_999}
"""Time codes of the first frame of a video, and how many frames of 1/25 s they are after midnight."""

N_TIMELINES = 20
"""Timelines for each of `STARTS`."""

NAMES = ("Été & 100% #1 <fin>.mp4", '«L\'œuvre» "2" | a.mp4', "plain.mp4")


class Cut(NamedTuple):
    """A clip: its frames in the file, and its frames in the timeline, both counted from the beginning."""

    first: int
    stop: int
    at: int
    end: int


def cuts(timeline: Timeline) -> list[Cut]:
    return [Cut(clip.span.start, clip.span.stop, clip.at, clip.at + len(clip.span)) for clip in timeline.clips]


def random_timelines(start: int) -> Iterator[Timeline]:
    """Timelines of one to three videos, whose first begins at the time code ``start``."""
    for seed in range(N_TIMELINES):
        chance = random.Random(f"{start} {seed}")
        videos = [_video(chance, name, start) for name in NAMES[: chance.randint(1, 3)]]
        own_start = chance.choice([None, 0, 90_000])
        yield assemble(f"Émission & co <{seed}>", videos, start=own_start, handles=chance.choice([0, 0, 12]))


def _video(chance: random.Random, name: str, start: int) -> tuple[Media, list[Shot]]:
    lengths = [
        chance.choice([1, 2, chance.randint(3, 9), chance.randint(10, 9_000)]) for _ in range(chance.randint(1, 25))
    ]
    edges = [0]
    for length in lengths:
        edges.append(edges[-1] + length)
    shots = [_shot(chance, Span(*edge), number) for number, edge in enumerate(pairwise(edges))]
    channels = chance.choice([(), (1,), (2,), (2, 2)])
    return Media(
        name=name,
        path=f"/média/100 % #1/{name}",
        frames=edges[-1],
        start=start,
        width=1280,
        height=720,
        channels=channels,
    ), shots


def _shot(chance: random.Random, span: Span, number: int) -> Shot:
    boundary = "start" if number == 0 else chance.choice(["cut", "cut", "dissolve", "fade"])
    if boundary in ("start", "cut"):
        return Shot(span, boundary, round(chance.random(), 4))
    before, after = chance.randint(0, min(6, span.start)), chance.randint(1, 7)
    return Shot(span, boundary, round(chance.random(), 4), Span(span.start - before, span.start + after))


def one_timeline(*, channels: tuple[int, ...] = (2,), start: int = 900_000, own_start: int | None = None) -> Timeline:
    """A cut, and a dissolve of ten frames in whose middle the third shot begins, in a video of 100 frames."""
    media = Media(
        name=NAMES[0], path=f"/média/{NAMES[0]}", frames=100, start=start, width=1280, height=720, channels=channels
    )
    shots = [
        Shot(Span(0, 40), "start"),
        Shot(Span(40, 70), "cut", 0.9),
        Shot(Span(70, 100), "dissolve", 0.4, Span(65, 75)),
    ]
    return assemble("Été <1>", [(media, shots)], start=own_start)
