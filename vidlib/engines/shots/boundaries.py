"""Typed shot boundaries (fades, dissolves and cuts) from the scores and measures of every frame.

The scores tell where something happens, the pictures tell what. Each type has one function. Fades come first, then
dissolves, then cuts; a later type drops a boundary that overlaps an earlier one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from vidlib.timeline import Boundary, Shot, Span, spans_from_frames, spans_from_stops

DARK = 32
"""Brightness, 0-255, below which a picture is near black; a fade of ten frames has at least one such frame."""

MIN_FADE_DEPTH = 0.6
"""Share of the surrounding brightness that a fade must lose; a picture that loses less is dark, but no fade."""

MAX_BLACK_FRAMES = 50
"""Frames of black (2 s) that still belong to one fade; longer black is a shot of its own."""

MAX_RAMP_FRAMES = 50
"""Most frames (2 s) that the way to black, or back, takes."""

PACE_FRAMES = 5
"""Frames next to black that give the pace of a fade; the fade ends where it becomes four times slower."""

BRIGHTNESS_NOISE = 2
"""Difference in brightness, 0-255, that means nothing."""

MIN_GRADUAL_FRAMES = 3
"""Least number of frames of a gradual transition: a cut, or one blended frame, scores high on one or two."""

MAX_GAP_FRAMES = 3
"""Frames by which the scores of one gradual transition may be interrupted."""

CUT_CHANGE_SHARE = 0.6
"""Share of the change in a transition above which one frame makes it a cut; each frame of a dissolve of n has 1/n."""

BEGINS_WEIGHT = 0.77
"""Weight of the network's log-odds of a cut beside those of the picture (`vidlib.engines.shots.jumps.WEIGHTS`)."""


@dataclass(frozen=True)
class Evidence:
    """The scores and measures of every frame of a video, each (n,) float32.

    ``begins`` is the score in [0, 1] that a shot begins with the frame, ``gradual`` the score that the frame is part of
    a gradual transition. ``brightness``, 0-255, is that of the brightest twentieth of the picture, so that neither a
    small logo nor a dark scene with a lamp counts as black. ``change`` is the mean difference to the frame before,
    0-255. ``jump`` is what the picture says about a cut, in log-odds (`vidlib.engines.shots.jumps.log_odds`).
    """

    begins: np.ndarray
    gradual: np.ndarray
    brightness: np.ndarray
    change: np.ndarray
    jump: np.ndarray

    def __len__(self) -> int:
        return len(self.begins)

    def score(self, span: Span) -> float:
        """The highest of both scores within ``span``, or in the frame after it."""
        frames = slice(span.start, span.stop + 1)
        return float(max(self.begins[frames].max(), self.gradual[frames].max()))


@dataclass(frozen=True)
class Candidate:
    """A boundary: ``frame`` begins a shot; ``span`` are the frames of the transition, one for a cut."""

    frame: int
    boundary: Boundary
    span: Span
    confidence: float

    def touches(self, span: Span) -> bool:
        """Whether the transition and ``span`` overlap or are adjacent."""
        return self.span.start <= span.stop and span.start <= self.span.stop


def find_shots(evidence: Evidence, threshold: float, min_frames: int) -> list[Shot]:
    """The shots of a video, in order: they tile it, and none is shorter than ``min_frames`` if the video is not.

    ``threshold`` in (0, 1] is the least score that counts. A dissolve is cut in its middle, a fade where the picture
    returns from its darkest. Of two boundaries too close to each other, the one with the higher confidence remains.
    """
    evidence = replace(evidence, begins=cut_scores(evidence.begins, evidence.jump))
    boundaries = _keep_apart(find_boundaries(evidence, threshold), len(evidence), min_frames)
    spans = spans_from_stops([boundary.frame - 1 for boundary in boundaries], len(evidence))
    return [Shot(spans[0], "start")] + [
        Shot(span, b.boundary, round(b.confidence, 4), None if b.boundary == "cut" else b.span)
        for span, b in zip(spans[1:], boundaries, strict=True)
    ]


def cut_scores(begins: np.ndarray, jump: np.ndarray) -> np.ndarray:
    """The scores that a shot begins, (n,) in [0, 1], with what the picture says: ``jump`` as in `Evidence`."""
    clipped = np.clip(begins, 1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-jump) * ((1 - clipped) / clipped) ** BEGINS_WEIGHT)


def find_boundaries(evidence: Evidence, threshold: float) -> list[Candidate]:
    """Every boundary that the scores or pictures show, in order, except black at the very start or end."""
    occupied = list(_fades_at_ends(evidence))
    boundaries: list[Candidate] = []
    for candidates in (_fades(evidence), _graduals(evidence, threshold), _cuts(evidence, threshold)):
        boundaries += [c for c in candidates if not any(c.touches(span) for span in occupied)]
        # also the dropped ones: a score may continue after the picture of a fade has come to rest
        occupied += [c.span for c in candidates]
    return sorted(boundaries, key=lambda boundary: boundary.frame)


def _fades(evidence: Evidence) -> list[Candidate]:
    fades = []
    for black, whole in _dips(evidence.brightness):
        if whole.start == 0 or whole.stop == len(evidence):
            continue
        brightness = evidence.brightness[black.start : black.stop]
        around = min(evidence.brightness[whole.start - 1], evidence.brightness[whole.stop])
        depth = float(1 - brightness.min() / max(around, 1))
        if depth >= MIN_FADE_DEPTH:
            darkest = np.flatnonzero(brightness <= brightness.min() + BRIGHTNESS_NOISE)[-1]
            frame = black.start + int(darkest) + 1
            fades.append(Candidate(frame, "fade", whole, (depth + evidence.score(whole)) / 2))
    return fades


def _fades_at_ends(evidence: Evidence) -> Iterator[Span]:
    """A fade in at the very start and a fade out at the very end: there is no boundary between two shots in them.

    Where the picture is there, or gone, at once, black is a shot of its own: there may be a cut.
    """
    for black, whole in _dips(evidence.brightness):
        fades_in = whole.start == 0 and whole.stop > black.stop
        fades_out = whole.stop == len(evidence) and whole.start < black.start
        if fades_in or fades_out:
            yield whole


def _dips(brightness: np.ndarray) -> Iterator[tuple[Span, Span]]:
    """Each short stretch of near black, without and with the frames that lead into it and out of it."""
    for black in _runs(brightness < DARK):
        if len(black) <= MAX_BLACK_FRAMES:
            before = max(1, _ramp_length(brightness[: black.start + 1][::-1]))
            after = max(1, _ramp_length(brightness[black.stop - 1 :]))
            # a ramp ends with a frame of full brightness, which does not belong to the fade
            yield black, Span(black.start - before + 1, black.stop + after - 1)


def _ramp_length(brightness: np.ndarray) -> int:
    """The number of frames, from the first on, over which it becomes brighter at much the same pace."""
    # over two frames, as a video that was converted from 24 to 25 frames per second stands still once a second
    steps = brightness[2 : MAX_RAMP_FRAMES + 2] - brightness[: MAX_RAMP_FRAMES + 2][:-2]
    rising = steps > max(BRIGHTNESS_NOISE, steps[:PACE_FRAMES].max(initial=0) / 4)
    return len(rising) if rising.all() else int(rising.argmin())


def _graduals(evidence: Evidence, threshold: float) -> list[Candidate]:
    graduals = []
    for span in _runs(evidence.gradual >= threshold, MAX_GAP_FRAMES):
        if len(span) < MIN_GRADUAL_FRAMES:
            continue
        change = evidence.change[span.start : span.stop + 1]
        confidence = evidence.score(span)
        if change.max() > CUT_CHANGE_SHARE * change.sum():
            frame = span.start + int(change.argmax())
            graduals.append(Candidate(frame, "cut", Span(frame, frame + 1), confidence))
        else:
            is_black = evidence.brightness[max(0, span.start - 1) : span.stop + 1].min() < DARK
            graduals.append(Candidate(span.middle, "fade" if is_black else "dissolve", span, confidence))
    return graduals


def _cuts(evidence: Evidence, threshold: float) -> list[Candidate]:
    runs = _runs(evidence.begins >= threshold)
    frames = [run.start + int(evidence.begins[run.start : run.stop].argmax()) for run in runs]
    return [Candidate(frame, "cut", Span(frame, frame + 1), float(evidence.begins[frame])) for frame in frames]


def _runs(mask: np.ndarray, max_gap: int = 0) -> list[Span]:
    """The stretches where ``mask`` (n,) bool is true; stretches at most ``max_gap`` frames apart are joined."""
    return spans_from_frames(np.flatnonzero(mask).tolist(), max_gap)


def _keep_apart(boundaries: Iterable[Candidate], n_frames: int, min_frames: int) -> list[Candidate]:
    """Drop boundaries of low confidence until all, and both ends of the video, are ``min_frames`` apart; at least 1."""
    edges = [0, n_frames]
    kept = []
    for boundary in sorted(boundaries, key=lambda boundary: -boundary.confidence):
        if min(abs(boundary.frame - edge) for edge in edges) >= max(1, min_frames):
            kept.append(boundary)
            edges.append(boundary.frame)
    return sorted(kept, key=lambda boundary: boundary.frame)
