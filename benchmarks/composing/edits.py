"""Edits of footage whose boundaries are known: jump cuts, splices, dissolves; and what looks like a cut and is none.

Each edit gets the shots of one source, arrays (n, height, width, 3) uint8 RGB, and returns new frames with their
boundaries. Nothing else in its frames is a boundary.
"""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple

import cv2
import numpy as np

Shots = Sequence[np.ndarray]
"""The shots of a source: (n, height, width, 3) uint8 each."""

N_PIECES = 3
"""Pieces of an edit with cuts."""

N_FRAMES = 70
"""Frames of an edit without cuts."""


class Edge(NamedTuple):
    """A boundary: the new shot begins to show with frame ``start`` and is alone from frame ``full`` on."""

    start: int
    full: int
    kind: Literal["cut", "dissolve", "black"]


class Edited(NamedTuple):
    """The frames of an edit, (n, height, width, 3) uint8, and its boundaries."""

    frames: np.ndarray
    edges: tuple[Edge, ...] = ()


Edit = Callable[[Shots, Random], Edited]


def jump_cuts(shots: Shots, rng: Random) -> Edited:
    """Some 0.4 to 3 s of a shot are missing, again and again, as in an interview without its pauses."""
    return _joined(_jumping(_long(shots, rng), rng))


def punched_in(shots: Shots, rng: Random) -> Edited:
    """Jump cuts where every other piece is enlarged, as in videos of one camera."""
    pieces = _jumping(_long(shots, rng), rng)
    return _joined(
        _zoomed(piece, rng.uniform(1.12, 1.4)) if number % 2 else piece for number, piece in enumerate(pieces)
    )


def splices(shots: Shots, rng: Random) -> Edited:
    """Pieces of several shots, or of distant parts of one."""
    return _joined(_some(shots, rng, rng.randint(10, 45)) for _ in range(N_PIECES + 1))


def combed_splices(shots: Shots, rng: Random) -> Edited:
    """Splices with a frame at each cut that has the even lines of the new shot and the odd lines of the old one."""
    frames, edges = splices(shots, rng)
    frames = frames.copy()
    for edge in edges:
        frames[edge.start - 1, ::2] = frames[edge.start, ::2]
    return Edited(frames, tuple(Edge(edge.start - 1, edge.start + 1, "cut") for edge in edges))


def fast_action(shots: Shots, rng: Random) -> Edited:
    """Splices of action at three times its speed, with a shaking camera."""
    pieces = [_shaken(_some(shots, rng, 3 * rng.randint(12, 25))[::3], rng, 5) for _ in range(N_PIECES + 2)]
    return _joined(pieces)


def out_of_black(shots: Shots, rng: Random) -> Edited:
    """Black, and the picture is there at once."""
    first, second = (_some(shots, rng, rng.randint(40, 60)) for _ in range(2))
    black = [np.full_like(first[:1], 8).repeat(rng.randint(13, 40), axis=0) for _ in range(2)]
    frames = np.concatenate([black[0], first, black[1], second])
    returns = len(black[0]) + len(first) + len(black[1])
    return Edited(frames, (Edge(len(black[0]), len(black[0]), "cut"), Edge(returns - len(black[1]), returns, "black")))


def dissolves(shots: Shots, rng: Random) -> Edited:
    """Dissolves of 6 to 40 frames."""
    lengths = rng.sample([6, 10, 16, 24, 32, 40], 3)
    frames = _some(shots, rng, 40 + lengths[0])
    edges = []
    for length, next_length in zip(lengths, [*lengths[1:], 0], strict=True):
        following = _some(shots, rng, length + 30 + next_length)
        weights = np.arange(1, length + 1)[:, None, None, None] / (length + 1)
        blended = frames[-length:] * (1 - weights) + following[:length] * weights
        edges.append(Edge(len(frames) - length, len(frames), "dissolve"))
        frames = np.concatenate([frames[:-length], np.rint(blended).astype(np.uint8), following[length:]])
    return Edited(frames, tuple(edges))


def unchanged(shots: Shots, rng: Random) -> Edited:
    """A shot as it is."""
    return Edited(_some(shots, rng, N_FRAMES))


def held(shots: Shots, rng: Random) -> Edited:
    """Each picture is held for two to four frames, now and then for longer, at the same speed."""
    return _holding(_long(shots, rng), lambda: rng.choice([2, 2, 3, 3, 4, 4, 6, 10]))


def cutout_animation(shots: Shots, rng: Random) -> Edited:
    """Before a still background, a figure changes its pose every few frames: limited animation."""
    shot = _long(shots, rng)
    height, width = shot.shape[1:3]
    centre, axes = (rng.randint(width // 3, 2 * width // 3), height // 2), (rng.randint(40, 90), rng.randint(50, 95))
    figure = cv2.ellipse(np.zeros((height, width), np.float32), centre, axes, 0, 0, 360, 1.0, -1)
    figure = cv2.GaussianBlur(figure, (0, 0), 3)[..., None]
    frames: list[np.ndarray] = []
    while len(frames) < N_FRAMES:
        pose = shot[rng.randrange(len(shot))]
        drawn = np.rint(pose * figure + shot[0] * (1 - figure)).astype(np.uint8)
        frames += [drawn] * rng.choice([2, 3, 4, 6, 8, 12])
    return Edited(np.stack(frames[:N_FRAMES]))


def panned_drawing(shots: Shots, rng: Random) -> Edited:
    """A camera moves over a still picture on twos, stops and starts."""
    still = _some(shots, rng, 1)[0]
    height, width = still.shape[:2]
    large = cv2.resize(still, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    left, top, frames = width / 2, height / 2, []
    while len(frames) < N_FRAMES:
        speed = rng.choice([0, 3, 6, 10, -6, -10])
        for _ in range(rng.randint(8, 16)):
            left, top = np.clip(left + speed, 0, width), np.clip(top + speed / 3, 0, height)
            frames += [large[round(top) : round(top) + height, round(left) : round(left) + width]] * 2
    return Edited(np.stack(frames[:N_FRAMES]))


def shaken(shots: Shots, rng: Random) -> Edited:
    """A hand-held camera that shakes, with jolts."""
    return Edited(_shaken(_some(shots, rng, N_FRAMES), rng, 3, jolt_px=22))


def flashes(shots: Shots, rng: Random) -> Edited:
    """Flashes of one to three frames, and light that is switched on or off."""
    frames = _some(shots, rng, N_FRAMES).astype(np.float32)
    for start in range(15, len(frames) - 10, 24):
        gain = rng.uniform(1.6, 3.5)
        frames[start : start + rng.randint(1, 3)] *= gain
    switched = len(frames) // 2
    frames[switched:] *= rng.choice([0.55, 1.5])
    return Edited(frames.clip(0, 255).astype(np.uint8))


def slowed(shots: Shots, rng: Random) -> Edited:
    """Slow motion by repeated frames."""
    return Edited(_some(shots, rng, N_FRAMES // 4 + 1).repeat(4, axis=0))


def frozen(shots: Shots, rng: Random) -> Edited:
    """A call over a bad connection: the picture stands for a third to a whole second, and goes on later."""
    frames = _some(shots, rng, N_FRAMES).copy()
    start = rng.randint(10, 20)
    while start + 30 < len(frames):
        length = rng.randint(8, 25)
        frames[start : start + length] = frames[start]
        start += length + rng.randint(15, 25)
    return Edited(frames)


def captions(shots: Shots, rng: Random) -> Edited:
    """Captions, lower thirds and small inserted pictures appear and disappear at once."""
    frames = _some(shots, rng, N_FRAMES).copy()
    height, width = frames.shape[1:3]
    insert = cv2.resize(_some(shots, rng, 1)[0], (width // 3, height // 3), interpolation=cv2.INTER_AREA)
    for number, start in enumerate(range(12, len(frames) - 20, 22)):
        stop = start + rng.randint(10, 40)
        if number % 3 == 0:
            frames[start:stop, -height // 5 :, width // 20 : -width // 20] = rng.choice([20, 230])
        elif number % 3 == 1:
            frames[start:stop, 8 : 8 + height // 3, 8 : 8 + width // 3] = insert
        else:
            for frame in frames[start:stop]:
                cv2.putText(frame, "NO CUT HERE", (20, height - 30), cv2.FONT_HERSHEY_DUPLEX, 1.2, (255,) * 3, 3)
    return Edited(frames)


CUTS: dict[str, Edit] = {
    "jump cuts": jump_cuts,
    "jump cuts, enlarged": punched_in,
    "splices": splices,
    "splices, combed": combed_splices,
    "fast action": fast_action,
    "out of black": out_of_black,
    "dissolves": dissolves,
}

NO_CUTS: dict[str, Edit] = {
    "unchanged": unchanged,
    "held pictures": held,
    "cut-out animation": cutout_animation,
    "panned drawing": panned_drawing,
    "shaking": shaken,
    "light": flashes,
    "slow motion": slowed,
    "frozen": frozen,
    "captions": captions,
}

EDITS = CUTS | NO_CUTS


Look = Literal["", "noise", "twos", "bitrate"]
"""What footage may look like: grain, or every other frame missing. A low bitrate is up to the encoder."""


def degraded(edited: Edited, look: Look, rng: Random) -> Edited:
    """The edit with this look."""
    frames, edges = edited
    if look == "noise":
        generator = np.random.default_rng(rng.randrange(1 << 30))
        grain = generator.normal(0, 14, frames.shape).astype(np.float32)
        return Edited((frames + grain).clip(0, 255).astype(np.uint8), edges)
    if look == "twos":
        later = tuple(Edge(start + start % 2, full + full % 2, kind) for start, full, kind in edges)
        return Edited(frames[::2].repeat(2, axis=0)[: len(frames)], later)
    return edited


def _longest(shots: Shots) -> np.ndarray:
    return max(shots, key=len)


def _long(shots: Shots, rng: Random) -> np.ndarray:
    """A shot of four seconds or more, or the longest."""
    return rng.choice([shot for shot in shots if len(shot) >= 100] or [_longest(shots)])


def _some(shots: Shots, rng: Random, n_frames: int) -> np.ndarray:
    """So many consecutive frames of one shot, fewer where none is so long; it goes back and forth in a short one."""
    shot = rng.choice([shot for shot in shots if len(shot) >= n_frames] or [_longest(shots)])
    if len(shot) < n_frames:
        shot = np.concatenate([shot, shot[::-1]] * (n_frames // len(shot) + 1))
    start = rng.randint(0, len(shot) - n_frames)
    return shot[start : start + n_frames]


def _jumping(shot: np.ndarray, rng: Random) -> Iterator[np.ndarray]:
    """Pieces of a shot, each 10 to 75 frames after the end of the last one; at its end, the shot begins again."""
    at = rng.randrange(max(1, len(shot) // 2))
    for _ in range(N_PIECES):
        length = min(rng.randint(12, 45), len(shot) // 3)
        if at + length > len(shot):
            at = rng.randrange(max(1, len(shot) // 4))
        yield shot[at : at + length]
        at += length + rng.randint(10, 75)


def _joined(pieces: Iterator[np.ndarray] | Sequence[np.ndarray]) -> Edited:
    pieces = list(pieces)
    starts = np.cumsum([len(piece) for piece in pieces])[:-1].tolist()
    return Edited(np.concatenate(pieces), tuple(Edge(start, start, "cut") for start in starts))


def _zoomed(frames: np.ndarray, scale: float) -> np.ndarray:
    height, width = frames.shape[1:3]
    matrix = np.array([[scale, 0, width / 2 * (1 - scale)], [0, scale, height * 0.4 * (1 - scale)]], np.float32)
    return np.stack([cv2.warpAffine(frame, matrix, (width, height)) for frame in frames])


def _shaken(frames: np.ndarray, rng: Random, px: float, jolt_px: float = 0) -> np.ndarray:
    """Moved at random by some pixels a frame, mirrored at the edges; once in 25 frames by a jolt."""
    height, width = frames.shape[1:3]
    moved, place = [], np.zeros(2)
    for frame in frames:
        size = jolt_px if rng.random() < 1 / 25 else px
        place = 0.9 * place + [rng.uniform(-size, size), rng.uniform(-size, size)]
        matrix = np.array([[1, 0, place[0]], [0, 1, place[1]]], np.float32)
        moved.append(cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(moved)


def _holding(shot: np.ndarray, frames_held: Callable[[], int]) -> Edited:
    there_and_back = [*range(len(shot)), *reversed(range(len(shot)))]
    numbers: list[int] = []
    while len(numbers) < N_FRAMES:
        numbers += [there_and_back[len(numbers) % len(there_and_back)]] * frames_held()
    return Edited(shot[numbers[:N_FRAMES]])
