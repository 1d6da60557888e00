"""The file formats that `Video.export` writes: those of `vidlib.results.exports`, from finished steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vidlib.api.results import VideoResults
from vidlib.errors import VidlibError
from vidlib.files import copy_verified, write_text
from vidlib.results.exports import webvtt
from vidlib.results.naming import PUBLISHED


@dataclass(frozen=True)
class Format:
    """A file format: the ending of its files, the steps that it needs, and the function that writes one."""

    suffix: str
    steps: tuple[str, ...]
    write: Callable[[VideoResults, Path], Path]


def _copy(step: str, output: str) -> Callable[[VideoResults, Path], Path]:
    """A function that copies the file that ``step`` left as ``output``: the bytes of the published result."""

    def write(results: VideoResults, path: Path) -> Path:
        return copy_verified(results.needed_file(step, output), path)

    return write


def _captions(results: VideoResults) -> Path:
    if (file := results.file("audio", "captions")) is None:
        raise VidlibError(
            f"{results.name} has no captions: its speech was not transcribed; run audio with an engine that does"
        )
    return file


def _write_srt(results: VideoResults, path: Path) -> Path:
    cues = webvtt.read(_captions(results))
    blocks = [
        f"{number}\n{_srt_time(start_s)} --> {_srt_time(stop_s)}\n{text}\n"
        for number, (start_s, stop_s, text) in enumerate(cues, 1)
    ]
    return write_text(path, "\n".join(blocks))


def _srt_time(time_s: float) -> str:
    """
    >>> _srt_time(3661.5)
    '01:01:01,500'
    """
    return webvtt.time(time_s).replace(".", ",")


FORMATS: Mapping[str, Format] = {
    "csv": Format(PUBLISHED["shots_csv"], ("scenes",), _copy("scenes", "csv")),
    "rttm": Format(PUBLISHED["rttm"], ("tracking",), _copy("tracking", "turns")),
    "vtt": Format(PUBLISHED["captions"], ("audio",), lambda results, path: copy_verified(_captions(results), path)),
    "srt": Format(".srt", ("audio",), _write_srt),
    "audio_json": Format(PUBLISHED["audio_json"], ("reduce",), _copy("reduce", "audio_json")),
    "tracking_json": Format(PUBLISHED["tracking_json"], ("reduce",), _copy("reduce", "tracking_json")),
    "parquet": Format(PUBLISHED["tracking_parquet"], ("tracking",), _copy("tracking", "tracks")),
    "mp4": Format(".mp4", ("convert",), _copy("convert", "video")),
}
"""The formats by the name that `Video.export` takes."""


def write(name: str, results: VideoResults, path: Path) -> Path:
    """Write ``results`` as the format ``name`` to ``path``; into a folder under the video's own name."""
    target = path / f"{Path(results.name).stem}{FORMATS[name].suffix}" if path.is_dir() else path
    return FORMATS[name].write(results, target)
