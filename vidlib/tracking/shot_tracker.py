"""One shot, watched: faces looked for every few frames, their landmarks in every frame, other things besides."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from vidlib.geometry import Detections, overlaps
from vidlib.machine.prefetch import run_in_background
from vidlib.protocols import ActiveSpeakerModel, Detector, FaceEmbedder, FaceLandmarker
from vidlib.timeline import Span
from vidlib.tracking.association import Linker, Track
from vidlib.tracking.identities import by_person
from vidlib.tracking.mouth_crops import Mouths

CHUNK_FRAMES = 20
"""Frames in a chunk, about: enough pictures to keep a few cores busy. Four chunks are in memory, 500 MB at 1080p."""

FINER = 4
"""Times that faces are looked for more often where they move than where they stay."""

ALIKE = 0.5
"""Least intersection over union of a face's boxes in two frames between which it moves on a line, near enough."""

MAX_GAP = 25
"""Frames (1 s at 25 fps) that a face or thing may be out of sight, turned away say, and still be the same one."""

WEAK = 0.6
"""Share of the score that begins a track which still continues one."""

THING_SCORE = 0.5
"""Score that begins a thing's track, in [0, 1]."""

FACE_SHARE = 0.5
"""A shot shows no face if faces are in sight for less than this share of it: in a dissolve, for a moment, every shot
does that follows one with faces."""

PRINT_FRAMES = 15
"""Frames (0.6 s) between two face prints of a track, at least: their mean says whose face it is."""

Numbered = tuple[int, np.ndarray]
"""A frame's number in the video, and its picture."""


Clear = tuple[Track, int, np.ndarray, np.ndarray]
"""A track in a frame of which the picture and the landmarks, (478, 2), are known."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive ``frames`` of one shot, and the ``faces`` that were found in those where somebody looked for them."""

    shot: Span
    frames: list[Numbered]
    faces: dict[int, Detections]


@dataclass(frozen=True)
class Watcher:
    """Follows what shots show.

    Faces are looked for in every ``detect_every``-th frame of a shot, in its first and in its last. Between two of
    these where faces have moved, come or gone, so they are halfway, and again, up to `FINER` times as often. Faces
    lower than ``min_face_px`` are left out; ``min_score`` in (0, 1) begins a face's track. Things are looked for twice
    as often as still faces, in shots that show no face, or ``always_things``; with ``things`` None, never. ``looker``
    describes what mouths do while there is speech; with None, that stays unknown.
    """

    faces: Detector
    landmarker: FaceLandmarker
    prints: FaceEmbedder
    things: Detector | None
    looker: ActiveSpeakerModel | None = None
    always_things: bool = False
    detect_every: int = 20
    min_face_px: int = 24
    min_score: float = 0.5

    def look(self, shots: Iterable[Span], pictures: Iterator[np.ndarray]) -> Iterator[Chunk]:
        """Look for faces in the ``pictures`` of shots that follow each other, (h, w, 3) uint8 RGB.

        Nothing here depends on what `watch` does with a chunk, so it may run ahead.
        """
        for shot in shots:
            last: dict[int, Detections] = {}
            for frames in self._chunks(shot, islice(pictures, len(shot))):
                pictured = dict(frames)
                faces = self._faces_in(pictured, [frame for frame in pictured if self._looks_at(frame, shot)])
                while halfway := self._halfway(last | faces):
                    faces = dict(sorted({**faces, **self._faces_in(pictured, halfway)}.items()))
                yield Chunk(shot, frames, faces)
                last = dict(list(faces.items())[-1:])

    def watch(self, shot: Span, chunks: Iterable[Chunk], speech: np.ndarray) -> list[Track]:
        """The tracks of one shot, in order of their first frame.

        ``speech`` (n,) bool says in which of its frames somebody may speak.
        """
        mouths = Mouths(self.looker, shot.start, speech) if self.looker else None
        faces = Linker("face_landmarker", min_score=self.min_score, max_gap=MAX_GAP)
        things = Linker("object_detector", min_score=THING_SCORE, max_gap=MAX_GAP)
        with run_in_background() as do:
            for chunk in chunks:
                for frame, found in chunk.faces.items():
                    faces.update(frame, found)
                clear = self._find_landmarks(chunk, faces, mouths)
                # one or two pictures, too few for two cores, and needed at the end of the shot only
                do(self._look_closer, chunk, clear, things)
        tracks = [track for track in faces.tracks if len(track.frames) > 1 or track.blendshapes]
        if mouths:
            for track in tracks:
                track.mouth = mouths.seen(track)
        tracks = [one for track in tracks for one in by_person(track)]
        if self.always_things or sum(len(track.span) for track in tracks) < FACE_SHARE * len(shot):
            tracks += things.tracks
        return sorted(tracks, key=lambda track: track.frames[0])

    def _looks_at(self, frame: int, shot: Span) -> bool:
        return (frame - shot.start) % self.detect_every == 0 or frame == shot.stop - 1

    def _faces_in(self, pictured: dict[int, np.ndarray], frames: Sequence[int]) -> dict[int, Detections]:
        """The faces in some frames that are not too low to count."""
        found = self.faces.detect([pictured[frame] for frame in frames])
        tall = [one.keep(one.boxes[:, 3] - one.boxes[:, 1] >= self.min_face_px) for one in found]
        return dict(zip(frames, tall, strict=True))

    def _halfway(self, faces: dict[int, Detections]) -> list[int]:
        """The frames in the middle between two in which the faces are not at the same place, or not as many."""
        sure = {frame: found.boxes[found.scores >= self.min_score] for frame, found in faces.items()}
        return [
            (before + after) // 2
            for before, after in pairwise(sure)
            if after - before > max(1, self.detect_every // FINER) and not _are_alike(sure[before], sure[after])
        ]

    def _chunks(self, shot: Span, pictures: Iterable[np.ndarray]) -> Iterator[list[Numbered]]:
        """The frames of a shot in chunks that each end with one where faces are looked for."""
        length = self.detect_every * max(1, CHUNK_FRAMES // self.detect_every)
        chunk = []
        for frame, picture in enumerate(pictures, shot.start):
            chunk.append((frame, picture))
            if (frame - shot.start) % length == 0 or frame == shot.stop - 1:
                yield chunk
                chunk = []
        if chunk:  # the pictures ended early
            yield chunk

    def _link_things(self, chunk: Chunk, things: Linker) -> None:
        """Look for things in some of the frames, those that show no face or ``always_things``, for their tracks."""
        every = max(1, self.detect_every // 2)
        wanted = [
            (frame, picture)
            for frame, picture in chunk.frames
            if (frame in chunk.faces or (frame - chunk.shot.start) % every == 0)
            and (self.always_things or not self._shows_face(chunk, frame))
        ]
        for (frame, _), found in zip(wanted, self.things.detect([picture for _, picture in wanted]), strict=True):
            things.update(frame, found)

    def _shows_face(self, chunk: Chunk, frame: int) -> bool:
        """Whether there is a face in the frame, or else in the nearest one where somebody looked."""
        nearest = min(chunk.faces, key=lambda looked: abs(looked - frame), default=None)
        return nearest is not None and bool((chunk.faces[nearest].scores >= self.min_score).any())

    def _find_landmarks(self, chunk: Chunk, faces: Linker, mouths: Mouths | None) -> list[Clear]:
        """Look for the landmarks of each open track in each frame, also where its detector lost it for a while, and at
        its mouth; those that were found where faces were looked for.
        """
        wanted = [(track, frame, picture) for frame, picture in chunk.frames for track in faces.open_at(frame)]
        boxes = [track.boxes_at(np.array([frame]))[0] for track, frame, _ in wanted]
        rolls = [track.roll for track, _, _ in wanted]  # of the chunk before: its frames are looked at side by side
        found = self.landmarker.find([picture for _, _, picture in wanted], boxes, rolls)
        clear: list[Clear] = []
        for (track, frame, picture), box, face in zip(wanted, boxes, found, strict=True):
            if face is not None:
                track.blendshapes[frame], track.roll = face.blendshapes, face.roll
                if frame in chunk.faces:
                    clear.append((track, frame, picture, face.points))
            if mouths:
                mouths.show(track, frame, picture, box)
        return clear

    def _look_closer(self, chunk: Chunk, clear: list[Clear], things: Linker) -> None:
        """Take face prints, and look for things."""
        self._take_prints(clear)
        if self.things is not None:
            self._link_things(chunk, things)

    def _take_prints(self, clear: list[Clear]) -> None:
        """The face prints of tracks that have had none for a while, where their landmarks are known."""
        last = {id(track): max(track.prints, default=-PRINT_FRAMES) for track, *_ in clear}
        chosen = []
        for track, frame, picture, points in clear:
            if frame - last[id(track)] >= PRINT_FRAMES:
                last[id(track)] = frame
                chosen.append((track, frame, picture, points))
        taken = self.prints.embed([picture for *_, picture, _ in chosen], [points for *_, points in chosen])
        for (track, frame, *_), one in zip(chosen, taken, strict=True):
            track.prints[frame] = one


def _are_alike(boxes: np.ndarray, others: np.ndarray) -> bool:
    """Whether each of ``boxes`` (n, 4) has one of ``others`` (m, 4) at its place, and the other way round."""
    if not len(boxes) or not len(others):
        return len(boxes) == len(others)
    overlap = overlaps(boxes, others)
    return min(overlap.max(axis=0).min(), overlap.max(axis=1).min()) >= ALIKE
