"""A small archive of videos at random, and one of a video that is known to the frame."""

from pathlib import Path

import pytest

from benchmarks.composing import archive as composed
from tests import finished
from vidlib.files import FileRecord, sha256_text
from vidlib.results.archive_entry import Entry, Metadata
from vidlib.results.delivered_media import DeliveredMedia
from vidlib.results.exports import audio_json, people_json, rttm, shots_json, tracking_table, webvtt
from vidlib.results.exports.audio_json import AudioFrame, AudioInfo
from vidlib.results.naming import ARCHIVED
from vidlib.timeline import Turns, frame_at

CUES = [
    (0.0, 0.5, "Das Büdget, heute"),
    (0.5, 0.8, "und morgen:"),
    (0.8, 1.2, "das Wetter"),
    (1.7, 2.0, "Guten Abend"),
]
"""The first two are one utterance of SPEAKER_00; the first shot has both and the second a part of the third."""

MEDIA = DeliveredMedia(n_bytes=1, frames=50, start=90_000, width=64, height=48, channels=(2,))


@pytest.fixture(scope="session")
def random_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos of 20 s."""
    root = tmp_path_factory.mktemp("random") / "archive"
    composed.compose(root, 4, seed=3, n_frames=500)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The archive of a test; `write_entry` fills it."""
    return tmp_path / "archive"


def write_entry(
    root: Path,
    stem: str = "Été talk",
    project: str = "Spring",
    day: int = 1,
    media: DeliveredMedia | None = MEDIA,
    **without: None,
) -> Entry:
    """Archive the video of `tests.finished`, whose shots begin at 0, 20 and 41, without the results in ``without``."""
    metadata = Metadata(
        video_path=f"/inbox/{stem}.mov",
        video_stem=stem,
        video_hash=sha256_text(f"delivered {stem} {day}"),
        source_hash=sha256_text(f"source {stem}"),
        created_at=f"2026-11-{day:02}T12:00:00Z",
        media=media,
    )
    folder = root / f"{project} 2026-11-{day:02}T120000Z" / metadata.video_hash
    folder.mkdir(parents=True)
    files = {name: folder / f"{stem}{suffix}" for name, suffix in ARCHIVED.items() if name not in without}
    _write_results(files)
    recorded = {path.name: FileRecord.from_file(path) for path in files.values() if path.exists()}
    metadata = metadata.model_copy(update={"files": recorded})
    metadata.write(folder)
    return Entry(folder, metadata)


def _write_results(files: dict[str, Path]) -> None:
    turns = Turns(finished.TURNS)
    if "shots_json" in files:
        shots_json.write(files["shots_json"], finished.SHOTS, engine="by hand")
    if "rttm" in files:
        rttm.write(files["rttm"], turns)
    if "captions" in files:
        webvtt.write(files["captions"], CUES)
    if "people" in files:
        people_json.write(files["people"], finished.PEOPLE)
    if "audio_json" in files:
        audio_json.write(files["audio_json"], map(_audio_frame, range(50)), 50, turns)
    if "tracking_parquet" in files:
        with tracking_table.writing(files["tracking_parquet"], total_frames=50, width=64, height=48) as write_shot:
            for shot in (1, 2, 3):
                write_shot([track for track in finished.TRACKS if track.shot == shot])


def _audio_frame(frame: int) -> AudioFrame:
    speaking = [t.speaker for t in finished.TURNS if frame_at(t.start_s) <= frame < frame_at(t.stop_s)]
    info = AudioInfo(is_speech_present=bool(speaking), active_speaker_labels=tuple(speaking), timecode_sec=frame / 25)
    return AudioFrame(frame=frame + 1, audio_info=info)
