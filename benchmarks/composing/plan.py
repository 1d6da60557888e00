"""The shots of a composed video: drawn at random from a seed, with every difficulty at least once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from .material import FOOTAGE, Clip, Material

SHORTEST, LONGEST = 34, 66
"""Frames of a shot: 1.4 to 2.6 s, the pace of edited conversations."""

CLOSE, MEDIUM, HALF, WIDE = 1080, 560, 600, 180
"""Widths of panels in a picture of 1280x720: faces are about 450, 235, 250 and 75 pixels high."""

LARGER = 1.3
"""Largest enlargement of a panel; beyond it, faces are blurred as no camera blurs them."""

EFFECTS = ("flash", "shake", "pan", "zoom")
"""Effects that change the whole picture and are no boundary."""

DISSOLVES, BLACKS = 3, 2
"""Numbers of gradual transitions in a video, by type."""


@dataclass(frozen=True)
class Placed:
    """A clip in the picture: upper left corner and width in pixels; ``speaking`` if it is heard."""

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
    """Frames of a shot with the same people and the same ``voice``, the clip that is heard."""

    frames: int
    placed: tuple[Placed, ...]
    voice: Clip | None = None
    footage: Clip | None = None

    @property
    def most(self) -> int:
        """Most frames that the clips allow; those of a listener with still lips may repeat."""
        moving = [placed.clip for placed in self.placed if placed.clip.lips_move]
        return min(clip.frames for clip in (*moving, *filter(None, [self.footage])))


@dataclass(frozen=True)
class PlannedShot:
    """A shot, and the transition of ``length`` frames that begins it."""

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
    """The shots of the video with this seed, the same each time."""
    rng = Random(seed)
    draw = _Drawing(material, rng)
    groups = [[make()] for make in draw.makers()] + [draw.pair(CLOSE, "close"), draw.pair(MEDIUM, "medium")]
    rng.shuffle(groups)
    shots = [shot for group in groups for shot in group]
    return _with_transitions(shots, rng)


def _with_transitions(shots: list[PlannedShot], rng: Random) -> list[PlannedShot]:
    """Give some shots a gradual transition; joined shots keep their cut."""
    free = [index for index in range(1, len(shots)) if not shots[index].joined]
    gradual = rng.sample(free, DISSOLVES + BLACKS)
    planned = [replace(shots[0], transition="start")]
    for index, shot in enumerate(shots[1:], 1):
        last = planned[-1].scenes[-1]
        if index in gradual[:DISSOLVES]:
            length = rng.choice([n for n in (8, 12, 18, 24) if last.most - n >= SHORTEST - 2])
            shortened = replace(last, frames=min(last.frames, last.most - length))
            planned[-1] = replace(planned[-1], scenes=(*planned[-1].scenes[:-1], shortened))
            shot = replace(shot, transition="dissolve", length=length)
        elif index in gradual:
            shot = replace(shot, transition="black", length=rng.choice([6, 8, 10, 12]))
        planned.append(shot)
    return planned


class _Drawing:
    """Draws single shots at random."""

    def __init__(self, material: Material, rng: Random):
        self.material, self.rng = material, rng

    def makers(self) -> list[Callable[[], PlannedShot]]:
        """One function per shot of a video, except the pairs."""
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

    def alone(self, width: int, kind: str, excluded: str = "") -> PlannedShot:
        """Somebody other than the speaker ``excluded`` talks."""
        clip = self.talker(width, excluded)
        return PlannedShot(kind, (Scene(self.length(clip), (self.place(clip, width, True),), clip),))

    def pair(self, width: int, kind: str) -> list[PlannedShot]:
        """Two shots of people framed alike before the same backdrop, with a hard cut between them."""
        first = self.alone(width, kind)
        (first_panel,) = first.scenes[0].placed
        second = self.alone(width, kind, first_panel.clip.speaker)
        (second_panel,) = second.scenes[0].placed
        framed = replace(second_panel, left=first_panel.left, top=first_panel.top)
        scene = replace(second.scenes[0], placed=(framed,))
        return [first, replace(second, scenes=(scene,), joined=True)]

    def two(self, *, lips_move: bool) -> PlannedShot:
        """One person talks, the other listens; the listener's lips move unheard, or are still."""
        talker = self.talker(HALF)
        listener = self.talker(HALF, talker.speaker) if lips_move else self.listener(talker.speaker)
        n_frames = self.length(talker, *([listener] if lips_move else []))
        sides = [(talker, True), (listener, False)]
        self.rng.shuffle(sides)
        placed = tuple(
            Placed(clip, left, 130, HALF, talks) for left, (clip, talks) in zip((20, 660), sides, strict=True)
        )
        return PlannedShot("two", (Scene(n_frames, placed, talker),))

    def exchange(self) -> PlannedShot:
        """One person talks while the other listens, then they change roles without a boundary."""
        still = {clip.speaker: clip for clip in self.material.listeners if clip.panel[2] * LARGER >= HALF}
        talking = [clip for clip in self.material.talkers if clip.speaker in still and clip.panel[2] * LARGER >= HALF]
        first = self.rng.choice(talking)
        second = self.rng.choice([clip for clip in talking if clip.speaker != first.speaker] or [first])
        scenes = []
        for talker, left, silent, right in ((first, 20, second, 660), (second, 660, first, 20)):
            listener = still[silent.speaker]
            placed = (Placed(talker, left, 130, HALF, True), Placed(listener, right, 130, HALF, False))
            scenes.append(Scene(self.length(talker), placed, talker))
        return PlannedShot("two", tuple(scenes))

    def dubbed(self) -> PlannedShot:
        """The lips of one person move, but another one, who is not visible, is heard."""
        visible = self.talker(MEDIUM)
        heard = self.talker(0, visible.speaker)
        return PlannedShot(
            "medium", (Scene(self.length(visible, heard), (self.place(visible, MEDIUM, False),), heard),)
        )

    def over_footage(self, *, heard: bool) -> PlannedShot:
        """Footage with a voice-over, or in silence."""
        footage = self.rng.choice(self.material.footage)
        voice = self.talker(0) if heard else None
        n_frames = self.length(*filter(None, (footage, voice)))
        return PlannedShot(FOOTAGE, (Scene(n_frames, (), voice, footage),))

    def talker(self, width: int, excluded: str = "") -> Clip:
        """A clip of somebody who talks, other than ``excluded``, with a panel that may be drawn so wide."""
        return self.rng.choice(
            [clip for clip in self.material.talkers if clip.speaker != excluded and clip.panel[2] * LARGER >= width]
        )

    def listener(self, excluded: str) -> Clip:
        wide_enough = [clip for clip in self.material.listeners if clip.panel[2] * LARGER >= HALF]
        return self.rng.choice([clip for clip in wide_enough if clip.speaker != excluded])

    def length(self, *clips: Clip) -> int:
        """A random length in frames for a shot of these clips, with a dissolve at its end."""
        longest = min(clip.frames for clip in clips) - 6
        return self.rng.randint(min(SHORTEST, longest), min(LONGEST, longest))

    def place(self, clip: Clip, width: int, speaking: bool) -> Placed:
        """A random position in the picture; a close panel is centred."""
        placed = Placed(clip, 0, 0, width, speaking)
        across, down = self.material.size[0] - width, self.material.size[1] - placed.height
        if width == CLOSE:
            return replace(placed, left=across // 2, top=down // 2)
        # the margin is for a shaking or panning camera
        return replace(placed, left=self.rng.randint(160, across - 160), top=self.rng.randint(40, down - 40))
