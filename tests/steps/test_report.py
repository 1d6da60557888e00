"""The report's content: what it gathers from finished, failed and damaged steps."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import finished, sample_media
from vidlib.results.summary import Summary
from vidlib.steps import report
from vidlib.steps.base import Manifest
from vidlib.timeline import Shot, Span


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 frames, cuts after frames 19 and 40."""
    return sample_media.clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def folders(tmp_path: Path, clip: Path) -> dict[str, Path]:
    return finished.all_steps(tmp_path / "work" / finished.SHA256[:16], video=clip)


def reported(tmp_path: Path, evidence: Path, **params: int) -> Summary:
    inputs = report.Inputs(evidence=evidence, report_dir=tmp_path / "runs" / "1" / "clip", out_dir=tmp_path / "report")
    return Summary.read(report.run(inputs, report.Params(**params)).summary)


def of_step(found: Summary, name: str):
    return next(step for step in found.steps if step.name == name)


def test_numbers_are_those_of_the_steps(tmp_path, folders):
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    assert [(shot.start, shot.stop, shot.boundary) for shot in found.shots] == [
        (0, 20, "start"),
        (20, 41, "cut"),
        (41, 50, "dissolve"),
    ]
    assert {voice.speaker: (round(voice.talk_s, 2), voice.n_turns) for voice in found.voices} == {
        "SPEAKER_00": (1.2, 2),
        "SPEAKER_01": (0.4, 1),
    }
    assert [(row.person, row.speaker, row.n_tracks) for row in found.people] == [(1, "SPEAKER_00", 2), (2, None, 1)]
    assert [(thing.label, thing.seen_s) for thing in found.objects] == [("chair", 21 / 25)]
    assert found.talk_s == 1.6
    assert found.face_coverage == 29 / 50
    assert not found.problems


def test_a_person_is_visible_and_speaks_in_seconds(tmp_path, folders):
    person, _other = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders)).people
    assert person.seen == ((0, 0.8), (41 / 25, 2))
    assert person.speaking == ((2 / 25, 18 / 25), (43 / 25, 49 / 25))
    assert person.seen_s == 29 / 25


def test_a_person_has_a_picture_of_the_face_from_the_video(tmp_path, folders):
    person, other = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders)).people
    assert (person.face.frame, other.face.frame) == (10, 10)
    assert person.face.square == (5, 3, 30)  # the box of 10 to 30, 8 to 28, half as large again
    with Image.open(tmp_path / "report" / person.face.still) as picture:
        assert picture.size == (30, 30)


def test_talk_time_is_one_figure(tmp_path, folders):
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    share = next(share.share for share in found.coverage if share.name == "Talk time")
    assert found.talk_s == pytest.approx(share * found.duration_s)


def test_time_codes_begin_at_that_of_the_delivered_file(tmp_path, folders, clip):
    stamped = ["ffmpeg", "-loglevel", "error", "-y", "-i", clip, "-c", "copy", "-timecode", "10:00:00:00"]
    subprocess.run([*stamped, folders["convert"] / "video.mp4"], check=True)
    finished.finish(folders["convert"], **Manifest.read(folders["convert"]).outputs)
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    assert found.start == 10 * 3600 * 25


def test_coverage_says_how_much_was_understood(tmp_path, folders):
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    shares = {share.name: share.share for share in found.coverage}
    assert shares["Faces"] == 29 / 50
    assert shares["Face movements"] == 1
    # of 40 frames of speech, frames 2-17 and 43-48 show a face that speaks
    assert shares["Speaker in view"] == 22 / 40


def test_every_shot_has_the_still_of_its_middle(tmp_path, folders):
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    pictures = [np.asarray(Image.open(tmp_path / "report" / shot.still)) for shot in found.shots]
    assert [sample_media.frame_number(picture) for picture in pictures] == [10, 30, 45]


@pytest.mark.parametrize("tracking", ["done", "failed"])
def test_shots_are_shown_also_where_tracking_left_no_key_frames(tmp_path, folders, tracking):
    Image.new("RGB", sample_media.SIZE, "red").save(folders["tracking"] / "middle-2.jpg", quality=95)
    finished.finish(folders["tracking"], **Manifest.read(folders["tracking"]).outputs)
    evidence = finished.evidence(tmp_path / "evidence.json", folders, tracking={"status": tracking})
    second = Image.open(tmp_path / "report" / reported(tmp_path, evidence).shots[1].still)
    red = np.abs(np.asarray(second).astype(int) - (254, 0, 0)).max() < 5
    assert red if tracking == "done" else sample_media.frame_number(np.asarray(second)) == 30


def test_stills_show_every_person_and_object_in_a_box(tmp_path, folders):
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    assert [still.frame for still in found.track_stills] == [13, 30]  # the first shows both people
    boxed = np.asarray(Image.open(tmp_path / "report" / found.track_stills[1].still)).astype(int)
    plain = np.asarray(Image.open(tmp_path / "report" / found.shots[1].still)).astype(int)
    changed = np.abs(boxed - plain).max(axis=-1) > 20
    assert changed[20, 8:13].any()
    assert changed[20, 28:33].any()
    assert not changed[32:, 40:].any()


def test_equally_important_items_are_in_the_order_of_the_video(tmp_path, folders):
    items = [{"message": name, "frame": frame, "confidence": 0.4} for name, frame in (("late", 30), ("early", 5))]
    finished.finish(folders["reduce"], doubts=[*items, {"message": "anywhere", "confidence": 0.4}])
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders), max_doubts=3)
    assert [doubt.message for doubt in found.doubts[:3]] == ["anywhere", "early", "late"]
    assert found.n_doubts == 4


def test_what_matters_most_comes_first_with_a_still_where_the_video_has_the_frame(tmp_path, folders):
    said = [{"message": "b", "confidence": 0.6}, {"message": "a", "frame": 7, "confidence": 0.1}]
    beyond = {"message": "c", "frame": 5000, "confidence": 0.9, "frames": 100}
    finished.finish(folders["reduce"], doubts=[*said, beyond])
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders), max_doubts=3)
    assert [(doubt.message, doubt.step) for doubt in found.doubts] == [
        ("b", "reduce"),
        ("c", "reduce"),
        ("a", "reduce"),
        ("is this a cut?", "scenes"),
    ]
    assert [doubt.still and Path(doubt.still).name for doubt in found.doubts] == [
        None,
        None,
        "doubt-000007.jpg",
        None,
    ]


def test_what_a_person_checked_is_left_out(tmp_path, folders):
    asked = {"message": "a", "frame": 7, "confidence": 0.1, "kind": "boundary"}
    finished.finish(folders["reduce"], doubts=[asked, {**asked, "message": "b", "frame": 30}])
    evidence = finished.evidence(tmp_path / "evidence.json", folders)
    checked = [{"kind": "boundary", "frame": 8, "confidence": 0.2}]
    evidence.write_text(json.dumps(json.loads(evidence.read_text()) | {"checked": checked}))
    found = reported(tmp_path, evidence)
    assert [doubt.message for doubt in found.doubts if doubt.step == "reduce"] == ["b"]


def test_it_says_what_ran_where_with_links_relative_to_the_report(tmp_path, folders):
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders, scenes={"cached": True}))
    scenes, tracking = of_step(found, "scenes"), of_step(found, "tracking")
    assert (scenes.engine, scenes.device, scenes.seconds, scenes.cached) == ("made by hand", "cpu", 1.5, True)
    assert scenes.tools == {"handicraft": "1.0"}
    assert scenes.weights == {"model": "ab" * 32}
    assert scenes.notebook == f"../../../work/{finished.SHA256[:16]}/{folders['scenes'].name}/step.ipynb"
    assert tracking.fallback == "no GPU here"


def test_a_failed_step_leaves_the_others_in_the_report(tmp_path, folders):
    failed = {"status": "failed", "folder": None, "error": "out of memory", "remedy": "Close the browser."}
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders, scenes=failed))
    assert [(step.name, step.error, step.remedy) for step in found.problems] == [
        ("scenes", "out of memory", "Close the browser.")
    ]
    assert found.shots is None
    assert len(found.voices) == 2
    assert len(found.people) == 2


def cut(folders: dict[str, Path]) -> str:
    (folders["tracking"] / "tracking.parquet").write_bytes(b"PAR1")
    return "tracking"


def lose_folder(folders: dict[str, Path]) -> str:
    folders["scenes"].rename(folders["scenes"].with_name("gone"))
    return "scenes"


def spoil_manifest(folders: dict[str, Path]) -> str:
    (folders["audio"] / "outputs.json").write_text("{")
    return "audio"


def write_nonsense(folders: dict[str, Path]) -> str:
    """Files that the manifest vouches for, and that hold something else."""
    (folders["scenes"] / "shots.json").write_text(json.dumps({"shots": [{"start": "x"}]}))
    finished.finish(folders["scenes"], shots="shots.json")
    return "scenes"


def forget_an_output(folders: dict[str, Path]) -> str:
    finished.finish(folders["audio"], turns="speech.rttm")
    return "audio"


@pytest.mark.parametrize("damage", [cut, lose_folder, spoil_manifest, write_nonsense, forget_an_output])
def test_a_damaged_step_is_shown_as_such(tmp_path, folders, damage):
    name = damage(folders)
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    assert [step.name for step in found.problems] == [name]
    assert of_step(found, name).status == "broken"
    assert of_step(found, name).error


def test_a_video_that_was_refused_has_a_report_without_pictures(tmp_path):
    steps = {"convert": tmp_path / "convert", "scenes": tmp_path / "scenes"}
    refused = {"status": "refused", "folder": None, "notebook": None, "error": "'x' is no readable video"}
    skipped = {"status": "skipped", "folder": None, "notebook": None}
    evidence = finished.evidence(tmp_path / "evidence.json", steps, convert=refused, scenes=skipped)
    found = reported(tmp_path, evidence)
    assert found.problems[0].error == "'x' is no readable video"
    assert [step.name for step in found.waiting] == ["scenes"]
    assert (found.n_frames, found.shots, found.coverage, found.doubts) == (None, None, (), ())


def test_nothing_to_see_or_hear_is_no_trouble(tmp_path):
    silent = sample_media.silent(tmp_path / "silent.mp4")
    shots = [Shot(Span(0, sample_media.N_FRAMES), "start")]
    nothing = {"turns": (), "tracks": (), "people": ()}
    folders = finished.all_steps(tmp_path / "w", video=silent, shots=shots, **nothing, has_audio=False)
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    assert not found.problems
    assert (found.voices, found.people, found.objects, found.track_stills) == ((), (), (), ())
    assert {share.name: share.share for share in found.coverage} == {"Talk time": 0, "Faces": 0}


def test_a_video_shorter_than_it_says_costs_the_pictures_only(tmp_path, folders, clip):
    sample_media.clip(folders["convert"] / "video.mp4", n_frames=30, cuts=(20,))
    finished.finish(folders["convert"], video="video.mp4", frames=50, width=64, height=48, has_audio=True)
    found = reported(tmp_path, finished.evidence(tmp_path / "evidence.json", folders))
    assert "has no frame" in found.doubts[0].message
    assert all(shot.still is None for shot in found.shots)
    assert [person.face for person in found.people] == [None, None]
