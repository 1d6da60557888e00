"""Find faces in every frame with MediaPipe: faces.py VIDEO face_landmarker.task OUT.json.

The output is ``{"fps", "size", "frames": [[{"box", "blendshapes"}]]}``; boxes are left, top, right, bottom in pixels.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision


def main(video: str, model: str, out: str) -> None:
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model),
        running_mode=vision.RunningMode.VIDEO,
        num_faces=2,
        output_face_blendshapes=True,
    )
    capture = cv2.VideoCapture(video)
    fps = capture.get(cv2.CAP_PROP_FPS)
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        frames = [faces_in(picture, round(n * 1000 / fps), landmarker) for n, picture in enumerate(pictures(capture))]
    Path(out).write_text(json.dumps({"fps": fps, "size": size, "frames": frames}))


def pictures(capture: cv2.VideoCapture) -> Iterator[mp.Image]:
    while True:
        is_frame, picture = capture.read()
        if not is_frame:
            return
        yield mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def faces_in(picture: mp.Image, time_ms: int, landmarker: vision.FaceLandmarker) -> list[dict]:
    result = landmarker.detect_for_video(picture, time_ms)
    faces = []
    for points, shapes in zip(result.face_landmarks, result.face_blendshapes, strict=True):
        xs, ys = [point.x * picture.width for point in points], [point.y * picture.height for point in points]
        box = [round(value, 1) for value in (min(xs), min(ys), max(xs), max(ys))]
        faces.append({"box": box, "blendshapes": [round(shape.score, 4) for shape in shapes]})
    return faces


if __name__ == "__main__":
    main(*sys.argv[1:])
