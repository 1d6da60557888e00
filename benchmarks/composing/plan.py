"""Which shots a composed film has: drawn by lot from a seed, with every difficulty in it at least once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from .material import FOOTAGE, Clip, Material

SHORTEST, LONGEST = 34, 66
"""Frames of a shot: 1.4 to 2.6 s, as fast as talk is cut."""

CLOSE, MEDIUM, HALF, WIDE = 1080, 560, 600, 180
"""Widths of panels, in a picture of 1280 x 720: faces some 450, 235, 250 and 75 pixels high."""

LARGER = 1.3
"""A panel may be drawn larger than it was by this; beyond, faces are blurred as no camera blurs them."""

EFFECTS = ("flash", "shake", "pan", "zoom")
"""What moves or lights up a whole picture and is no boundary."""

DISSOLVES, BLACKS = 3, 2
"""How many of a film's transitions are gradual, of each kind."""


@dataclass(frozen=True)
class Placed:
    """A clip, drawn with its upper left corner at ``left``, ``top`` and so wide; ``speaking`` if it is heard."""

    clip: Clip
    left: int
    top: int
    width: int
    speaking: bool

    @property
    def height(self) -> int:
        return round(self.width * self.clip.panel[3] / self.clip.panel[2])


@dataclass(frozen=True)
class Scene:
    """``frames`` frames of a shot in which the same people are seen and the same ``voice`` (its clip) is heard."""

    frames: int
    placed: tuple[Placed, ...]
    voice: Clip | None = None
    footage: Clip | None = None

    @property
    def most(self) -> int:
        """How many frames there are to show; a listener with still lips may be shown to and fro."""
        moving = [one.clip for one in self.placed if one.clip.lips_move]
        return min(clip.frames for clip in (*moving, *filter(None, [self.footage])))


@dataclass(frozen=True)
class PlannedShot:
    """A shot, and the transition of ``length`` frames that leads into it."""

    kind: str
    scenes: tuple[Scene, ...]
    effect: str = ""
    transition: str = "cut"
    length: int = 0
    joined: bool = False

    @property
    def frames(self) -> int:
        return sum(scene.frames for scene in self.scenes)


def plan(material: Material, seed: int) -> list[PlannedShot]:
    """The shots of the film with this seed, the same each time."""
    lot = Random(seed)
    draw = _Drawing(material, lot)
    groups = [[make()] for make in draw.makers()] + [draw.alike(CLOSE, "close"), draw.alike(MEDIUM, "medium")]
    lot.shuffle(groups)
    shots = [shot for group in groups for shot in group]
    return _with_transitions(shots, lot)


def _with_transitions(shots: list[PlannedShot], lot: Random) -> list[PlannedShot]:
    """Give some shots a gradual beginning; those that are joined to the one before keep their cut."""
    free = [place for place in range(1, len(shots)) if not shots[place].joined]
    gradual = lot.sample(free, DISSOLVES + BLACKS)
    planned = [replace(shots[0], transition="start")]
    for place, shot in enumerate(shots[1:], 1):
        last = planned[-1].scenes[-1]
        if place in gradual[:DISSOLVES]:
            length = lot.choice([n for n in (8, 12, 18, 24) if last.most - n >= SHORTEST - 2])
            shortened = replace(last, frames=min(last.frames, last.most - length))
            planned[-1] = replace(planned[-1], scenes=(*planned[-1].scenes[:-1], shortened))
            shot = replace(shot, transition="dissolve", length=length)
        elif place in gradual:
            shot = replace(shot, transition="black", length=lot.choice([6, 8, 10, 12]))
        planned.append(shot)
    return planned


class _Drawing:
    """Draws single shots by lot."""

    def __init__(self, material: Material, lot: Random):
        self.material, self.lot = material, lot

    def makers(self) -> list[Callable[[], PlannedShot]]:
        """One function for each shot of a film, but for pairs."""
        effects = [lambda effect=effect: replace(self.alone(MEDIUM, "medium"), effect=effect) for effect in EFFECTS]
        return [
            *effects,
            lambda: self.alone(CLOSE, "close"),
            lambda: self.alone(WIDE, "wide"),
            lambda: self.two(lips_move=False),
            lambda: self.two(lips_move=True),
            self.exchange,
            self.dubbed,
            lambda: self.over_footage(heard=True),
            lambda: self.over_footage(heard=False),
        ]

    def alone(self, width: int, kind: str, but: str = "") -> PlannedShot:
        """Somebody, other than ``but``, talks."""
        clip = self.talker(width, but)
        return PlannedShot(kind, (Scene(self.length(clip), (self.place(clip, width, True),), clip),))

    def alike(self, width: int, kind: str) -> list[PlannedShot]:
        """Two people framed alike before the same backdrop, and a hard cut between them."""
        first = self.alone(width, kind)
        (one,) = first.scenes[0].placed
        second = self.alone(width, kind, one.clip.speaker)
        (other,) = second.scenes[0].placed
        framed = replace(other, left=one.left, top=one.top)
        scene = replace(second.scenes[0], placed=(framed,))
        return [first, replace(second, scenes=(scene,), joined=True)]

    def two(self, *, lips_move: bool) -> PlannedShot:
        """One talks, the other listens, with lips that move (as if talking, but not heard) or do not."""
        talker = self.talker(HALF)
        listener = self.talker(HALF, talker.speaker) if lips_move else self.listener(talker.speaker)
        n_frames = self.length(talker, *([listener] if lips_move else []))
        sides = [(talker, True), (listener, False)]
        self.lot.shuffle(sides)
        placed = tuple(
            Placed(clip, left, 130, HALF, talks) for left, (clip, talks) in zip((20, 660), sides, strict=True)
        )
        return PlannedShot("two", (Scene(n_frames, placed, talker),))

    def exchange(self) -> PlannedShot:
        """One talks while the other listens, then the other way round: no boundary between."""
        still = {clip.speaker: clip for clip in self.material.listeners if clip.panel[2] * LARGER >= HALF}
        talking = [clip for clip in self.material.talkers if clip.speaker in still and clip.panel[2] * LARGER >= HALF]
        one = self.lot.choice(talking)
        other = self.lot.choice([clip for clip in talking if clip.speaker != one.speaker] or [one])
        scenes = []
        for talker, left, silent, right in ((one, 20, other, 660), (other, 660, one, 20)):
            listener = still[silent.speaker]
            placed = (Placed(talker, left, 130, HALF, True), Placed(listener, right, 130, HALF, False))
            scenes.append(Scene(self.length(talker), placed, talker))
        return PlannedShot("two", tuple(scenes))

    def dubbed(self) -> PlannedShot:
        """The lips of one move, the voice of another, who is not to be seen, is heard."""
        seen = self.talker(MEDIUM)
        heard = self.talker(0, seen.speaker)
        return PlannedShot("medium", (Scene(self.length(seen, heard), (self.place(seen, MEDIUM, False),), heard),))

    def over_footage(self, *, heard: bool) -> PlannedShot:
        """Footage, with somebody's voice over it, or in silence."""
        footage = self.lot.choice(self.material.footage)
        voice = self.talker(0) if heard else None
        n_frames = self.length(*filter(None, (footage, voice)))
        return PlannedShot(FOOTAGE, (Scene(n_frames, (), voice, footage),))

    def talker(self, width: int, but: str = "") -> Clip:
        """Somebody who talks, whose panel may be drawn so wide."""
        return self.lot.choice(
            [clip for clip in self.material.talkers if clip.speaker != but and clip.panel[2] * LARGER >= width]
        )

    def listener(self, but: str) -> Clip:
        wide_enough = [clip for clip in self.material.listeners if clip.panel[2] * LARGER >= HALF]
        return self.lot.choice([clip for clip in wide_enough if clip.speaker != but])

    def length(self, *clips: Clip) -> int:
        """How long a shot of these may be, with a dissolve at its end."""
        most = min(clip.frames for clip in clips)
        return self.lot.randint(min(SHORTEST, most - 6), min(LONGEST, most - 6))

    def place(self, clip: Clip, width: int, speaking: bool) -> Placed:
        """Somewhere in the picture; a close panel in its middle."""
        placed = Placed(clip, 0, 0, width, speaking)
        across, down = self.material.size[0] - width, self.material.size[1] - placed.height
        if width == CLOSE:
            return replace(placed, left=across // 2, top=down // 2)
        # far enough from the edges for a shaking or panning camera
        return replace(placed, left=self.lot.randint(160, across - 160), top=self.lot.randint(40, down - 40))
