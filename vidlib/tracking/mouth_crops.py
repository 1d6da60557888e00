"""Mouth crops: cut out of every frame and encoded in windows, in parallel with the rest of tracking."""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from vidlib.geometry import square_around
from vidlib.protocols import ActiveSpeakerModel
from vidlib.tracking.association import Track

CROP_SIZE = 0.7
"""Side of the square around a mouth, in longer sides of the face's box: what LR-ASD was trained with (a square of 1.4
times the box, of which it sees the central half)."""

CROP_OFFSET = 0.2
"""Distance of the square's centre below that of the box, in longer sides of the box (as published)."""

MAX_PENDING = 16
"""Windows, about 1 MB each, that may wait to be encoded; with more, tracking waits for the encoder."""


def crop_mouth(picture: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """The mouth of the face in ``box`` (4,) of a picture, (height, width, 3) uint8 RGB -> (side, side) uint8 grey."""
    import cv2

    offset = CROP_OFFSET * float(max(box[2:] - box[:2]))
    square, _ = square_around(picture, box + np.array([0, offset, 0, offset]), CROP_SIZE)
    return cv2.resize(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_LINEAR)


def with_speech(speech: np.ndarray, window: int) -> np.ndarray:
    """The frames from the first to the last one with ``speech`` in each ``window`` of frames: (n,) bool -> (n,) bool.

    >>> with_speech(np.array([0, 1, 0, 1, 0, 0, 0, 1], bool), 6).astype(int)
    array([0, 1, 1, 1, 0, 0, 0, 1])
    """
    spoken = np.zeros(len(speech), bool)
    for start in range(0, len(speech), window):
        frames = start + np.flatnonzero(speech[start : start + window])
        if len(frames):
            spoken[frames[0] : frames[-1] + 1] = True
    return spoken


@dataclass
class MouthBuffer:
    """One mouth in consecutive frames from ``start`` on.

    ``position`` is the first frame that has not been passed to the model; ``crops`` begin a margin before it.
    ``windows`` holds the frames that have been passed, and their encoding (n, features).
    """

    start: int
    position: int
    crops: list[np.ndarray] = field(default_factory=list)
    windows: list[tuple[range, Future[np.ndarray]]] = field(default_factory=list)


class MouthEncoder:
    """Encodes the mouths of one shot as its frames arrive.

    ``speech`` (n,) bool marks the frames, from ``start`` on, in which somebody may speak. Of each window, the frames
    `with_speech` are encoded.
    """

    def __init__(self, model: ActiveSpeakerModel, start: int, speech: np.ndarray):
        self._model, self._start, self._speech = model, start, speech
        self._buffers: dict[int, MouthBuffer] = {}
        self._pending: deque[Future[np.ndarray]] = deque()

    def add_frame(self, track: Track, frame: int, picture: np.ndarray, box: np.ndarray) -> None:
        """Add the next frame of a face's track, with its ``box`` (4,) in the picture."""
        margin, window = self._model.margin, self._model.window
        buffer = self._buffers.setdefault(id(track), MouthBuffer(frame, frame))
        crop = crop_mouth(picture, box, self._model.side)
        # the first crop is repeated in place of the frames before it
        buffer.crops += [crop] * (1 if buffer.crops else 1 + margin)
        if len(buffer.crops) == margin + window + margin:
            self._encode(buffer, window)

    def features(self, track: Track) -> np.ndarray | None:
        """The encoded mouth in each frame of the span, (n, features) float32; zeros where it was not encoded.

        None if no frame was encoded. No frame of the track can be added afterwards.
        """
        buffer = self._buffers[id(track)]
        buffer.crops += buffer.crops[-1:] * self._model.margin
        while (n_frames := track.span.stop - buffer.position) > 0:
            self._encode(buffer, min(n_frames, self._model.window))
        if not buffer.windows:
            return None
        encoded = [(frames, window.result()) for frames, window in buffer.windows]
        features = np.zeros((buffer.position - buffer.start, encoded[0][1].shape[1]), np.float32)
        for frames, window in encoded:
            features[frames.start - buffer.start : frames.stop - buffer.start] = window
        return features[: len(track.span)]

    def _encode(self, buffer: MouthBuffer, n_frames: int) -> None:
        """Pass the next frames of a buffer to the model, from the first to the last in which somebody may speak."""
        speech = np.flatnonzero(self._speech[buffer.position - self._start :][:n_frames])
        if len(speech):
            frames = range(buffer.position + int(speech[0]), buffer.position + int(speech[-1]) + 1)
            crops = buffer.crops[speech[0] : speech[-1] + 1 + 2 * self._model.margin]
            encoded = self._model.encode_mouth(np.stack(crops))
            buffer.windows.append((frames, encoded))
            self._pending.append(encoded)
        if len(self._pending) > MAX_PENDING:
            self._pending.popleft().result()
        del buffer.crops[:n_frames]
        buffer.position += n_frames
