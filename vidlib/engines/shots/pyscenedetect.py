"""PySceneDetect's AdaptiveDetector: at a cut, a frame differs from the last one more than its neighbours do.

It needs no model and no torch. It detects cuts, but misses most dissolves.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np

from vidlib.engines.runtime import opencv
from vidlib.machine.devices import Device
from vidlib.timeline import FPS


class PySceneDetect:
    """AdaptiveDetector with its default settings; a score of 0.5 corresponds to its thresholds."""

    name = "pyscenedetect"
    device: Device = "cpu"
    size = (256, 144)  # PySceneDetect's own default is 256 pixels wide

    def __init__(self) -> None:
        import scenedetect  # noqa: F401  (a missing package raises before any frame is decoded)

    def score(self, frames: Iterable[np.ndarray], n_frames: int) -> Iterator[tuple[float, float]]:
        """See `vidlib.protocols.ShotScorer`; the score of a gradual transition is always 0."""
        with opencv.one_thread():
            yield from self._score(frames)

    def _score(self, frames: Iterable[np.ndarray]) -> Iterator[tuple[float, float]]:
        from scenedetect import AdaptiveDetector, FrameTimecode

        detector = AdaptiveDetector()
        detector.stats_manager = metrics = _recent_metrics()
        lag = detector.event_buffer_length  # frames after which the metrics of a frame are final
        number = -1
        for number, frame in enumerate(frames):
            detector.process_frame(FrameTimecode(number, float(FPS)), np.ascontiguousarray(frame[..., ::-1]))
            if number >= lag:
                yield _score(detector, metrics.pop(number - lag)), 0.0
        for late in range(max(0, number + 1 - lag), number + 1):
            yield _score(detector, metrics.pop(late)), 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass


def _score(detector: Any, metrics: dict[str, float]) -> float:
    """A score of 0.5 if both thresholds are just met: of the difference, and of its ratio to that of the neighbours."""
    ratio = next((value for key, value in metrics.items() if key.startswith("adaptive_ratio")), 0.0)
    content = metrics.get("content_val", 0.0)
    return float(min(ratio / (ratio + detector.adaptive_threshold), content / (content + detector.min_content_val)))


def _recent_metrics() -> Any:
    """A StatsManager that forgets metrics once they are read, so that it does not grow with the video."""
    from scenedetect import StatsManager

    class RecentMetrics(StatsManager):
        def __init__(self) -> None:
            super().__init__()
            self._recent: dict[int, dict[str, float]] = {}

        def set_metrics(self, timecode: Any, metric_kv_dict: dict[str, float]) -> None:
            self._recent.setdefault(timecode.frame_num, {}).update(metric_kv_dict)

        def metrics_exist(self, timecode: Any, metric_keys: Iterable[str]) -> bool:
            return False

        def pop(self, number: int) -> dict[str, float]:
            return self._recent.pop(number, {})

    return RecentMetrics()
