"""From what is known of every frame to typed shot boundaries: fades, dissolves, cuts.

The scores say where something happens; the pictures say what. Each kind has one function; a boundary that an earlier
one found (fade, then dissolve, then cut) is not found again by the next.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from vidlib.timeline import Boundary, Shot, Span, spans_from_frames, spans_from_stops

DARK = 32
"""Brightness below which a picture is near black, 0-255; a fade of ten frames has one such frame at least."""

MIN_DEPTH = 0.6
"""Part of the brightness around it that a fade must lose: what loses less is a dark picture, not a fade."""

MAX_DARK = 50
"""Frames of black (2 s) that still belong to one fade; longer black is a shot of its own."""

MAX_RAMP = 50
"""Frames (2 s) that going to black, or coming back, takes at most."""

PACE = 5
"""Frames next to black that tell how fast a fade goes; where it gets four times slower, it is over."""

NOISE = 2
"""Difference in brightness, 0-255, that means nothing."""

MIN_GRADUAL = 3
"""Frames of a gradual transition at least: a cut, or one blended frame, scores high on one or two."""

MAX_GAP = 3
"""Frames by which one gradual transition may seem interrupted."""

SUDDEN = 0.6
"""Part of the change in a transition that one frame brings if it is a cut after all; a dissolve of n frames has 1/n."""


JUMP_FRAMES = 6
"""Frames before and after (a quarter of a second) that a change is compared with: a flash changes the picture twice in
them, a pan or fast action in most of them, a cut once."""

JUMP_TIMES = 3
"""How many times larger than any change around it a jump is; among 62 hard cuts of composed films and trailers two have
less, of other frames none has more but where the drawing itself jumps."""

MIN_JUMP = 5
"""Mean difference, 0-255, from which a change is a jump: noise and small movements in a still picture are below 3."""

JUMP_ODDS = 3.5
"""Log-odds that a jump adds to the score that a shot begins: cuts between people framed alike before the same backdrop
score 0.07 to 0.5, a caption that appears less than 0.02."""


@dataclass(frozen=True)
class Evidence:
    """What is known of every frame of a clip, each (n,) float32.

    ``begins``: score in [0, 1] that a shot begins with it; ``gradual``: score that it is part of a gradual transition;
    ``brightness``: of the brightest twentieth of the picture, 0-255, so that neither a small logo nor a dark scene with
    a lamp in it counts as black; ``change``: mean difference to the frame before, 0-255.
    """

    begins: np.ndarray
    gradual: np.ndarray
    brightness: np.ndarray
    change: np.ndarray

    def __len__(self) -> int:
        return len(self.begins)

    def score(self, span: Span) -> float:
        """The highest of both scores within ``span``, or at its two ends."""
        near = slice(span.start, span.stop + 1)
        return float(max(self.begins[near].max(), self.gradual[near].max()))


@dataclass(frozen=True)
class Found:
    """A boundary: ``frame`` begins a shot; ``span`` are the frames that it takes, one for a cut."""

    frame: int
    kind: Boundary
    span: Span
    confidence: float

    def meets(self, span: Span) -> bool:
        return self.span.start <= span.stop and span.start <= self.span.stop


def find_shots(evidence: Evidence, threshold: float, min_frames: int) -> list[Shot]:
    """The shots of a clip, in order: they tile it, and none is shorter than ``min_frames`` if the clip is not.

    ``threshold`` in (0, 1] is the score from which something counts. A dissolve is cut at its middle; a fade where the
    picture comes back from its darkest. Of two boundaries too close to each other, the more certain one stays.
    """
    evidence = replace(evidence, begins=with_jumps(evidence.begins, evidence.change))
    found = _keep_apart(find_boundaries(evidence, threshold), len(evidence), min_frames)
    spans = spans_from_stops([boundary.frame - 1 for boundary in found], len(evidence))
    return [Shot(spans[0], "start")] + [
        Shot(span, b.kind, round(b.confidence, 4), None if b.kind == "cut" else b.span)
        for span, b in zip(spans[1:], found, strict=True)
    ]


def with_jumps(begins: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The scores that a shot begins, (n,) in [0, 1], higher where the picture jumps: it changes, once and suddenly."""
    padded = np.pad(change, JUMP_FRAMES)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * JUMP_FRAMES + 1).copy()
    around[:, JUMP_FRAMES] = 0
    jumps = (change >= MIN_JUMP) & (change >= JUMP_TIMES * around.max(axis=1))
    sure = np.clip(begins, 1e-6, 1 - 1e-6)
    return np.where(jumps, 1 / (1 + np.exp(-JUMP_ODDS) * (1 - sure) / sure), begins)


def find_boundaries(evidence: Evidence, threshold: float) -> list[Found]:
    """Every boundary that scores or pictures speak for, in order; black at the very start or end is none."""
    taken = list(_edges(evidence))
    found: list[Found] = []
    for candidates in (_fades(evidence), _graduals(evidence, threshold), _cuts(evidence, threshold)):
        found += [c for c in candidates if not any(c.meets(span) for span in taken)]
        # a score may go on where the picture of a fade is at rest again: all of that is the fade
        taken += [c.span for c in candidates]
    return sorted(found, key=lambda boundary: boundary.frame)


def _fades(evidence: Evidence) -> list[Found]:
    found = []
    for dark, whole in _dips(evidence.brightness):
        if whole.start == 0 or whole.stop == len(evidence):
            continue
        inside = evidence.brightness[dark.start : dark.stop]
        around = min(evidence.brightness[whole.start - 1], evidence.brightness[whole.stop])
        depth = float(1 - inside.min() / max(around, 1))
        if depth >= MIN_DEPTH:
            darkest = np.flatnonzero(inside <= inside.min() + NOISE)[-1]
            frame = dark.start + int(darkest) + 1
            found.append(Found(frame, "fade", whole, (depth + evidence.score(whole)) / 2))
    return found


def _edges(evidence: Evidence) -> Iterator[Span]:
    """Fading in at the very start and out at the very end: what is scored there is no boundary between two shots."""
    for _, whole in _dips(evidence.brightness):
        if whole.start == 0 or whole.stop == len(evidence):
            yield whole


def _dips(brightness: np.ndarray) -> Iterator[tuple[Span, Span]]:
    """Each short stretch of near black, alone and together with the frames that lead into it and out of it."""
    for dark in _runs(brightness < DARK):
        if len(dark) <= MAX_DARK:
            before = max(1, _ramp(brightness[: dark.start + 1][::-1]))
            after = max(1, _ramp(brightness[dark.stop - 1 :]))
            # a ramp ends with a frame at full brightness, which is no part of the fade
            yield dark, Span(dark.start - before + 1, dark.stop + after - 1)


def _ramp(brightness: np.ndarray) -> int:
    """How many frames it gets brighter for, from the first one on, at much the same pace."""
    # over two frames: a clip that was brought from 24 to 25 frames per second stands still once a second
    steps = brightness[2 : MAX_RAMP + 2] - brightness[: MAX_RAMP + 2][:-2]
    rising = steps > max(NOISE, steps[:PACE].max(initial=0) / 4)
    return len(rising) if rising.all() else int(rising.argmin())


def _graduals(evidence: Evidence, threshold: float) -> list[Found]:
    found = []
    for span in _runs(evidence.gradual >= threshold, MAX_GAP):
        if len(span) < MIN_GRADUAL:
            continue
        change = evidence.change[span.start : span.stop + 1]
        confidence = evidence.score(span)
        if change.max() > SUDDEN * change.sum():
            frame = span.start + int(change.argmax())
            found.append(Found(frame, "cut", Span(frame, frame + 1), confidence))
        else:
            to_black = evidence.brightness[max(0, span.start - 1) : span.stop + 1].min() < DARK
            found.append(Found(span.middle, "fade" if to_black else "dissolve", span, confidence))
    return found


def _cuts(evidence: Evidence, threshold: float) -> list[Found]:
    runs = _runs(evidence.begins >= threshold)
    frames = [run.start + int(evidence.begins[run.start : run.stop].argmax()) for run in runs]
    return [Found(frame, "cut", Span(frame, frame + 1), float(evidence.begins[frame])) for frame in frames]


def _runs(mask: np.ndarray, max_gap: int = 0) -> list[Span]:
    """The stretches where ``mask`` (n,) holds; two with at most ``max_gap`` frames between them are one."""
    return spans_from_frames(np.flatnonzero(mask).tolist(), max_gap)


def _keep_apart(found: Iterable[Found], n_frames: int, min_frames: int) -> list[Found]:
    """Drop the less certain boundaries until all, and both ends of the clip, are ``min_frames`` apart; at least 1."""
    edges = [0, n_frames]
    kept = []
    for boundary in sorted(found, key=lambda boundary: -boundary.confidence):
        if min(abs(boundary.frame - edge) for edge in edges) >= max(1, min_frames):
            kept.append(boundary)
            edges.append(boundary.frame)
    return sorted(kept, key=lambda boundary: boundary.frame)
