"""What an analyst sees of one video whose steps are done."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import vidlib
from tests import finished, sample_media
from vidlib import Workspace
from vidlib.errors import BrokenOutput, UnknownName, UsageError, VidlibError
from vidlib.files import sha256
from vidlib.results import archive, frames
from vidlib.results.exports import shots_csv
from vidlib.runner import pipeline


@pytest.fixture
def talk(ws: Workspace) -> vidlib.Video:
    return vidlib.open("talk.mp4")


@pytest.fixture
def no_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may start a run."""
    monkeypatch.setattr(pipeline, "run", lambda *_: pytest.fail("a run was started"))


def test_results_are_found_by_path_name_stem_and_the_beginning_of_the_sha256(ws, library, no_analysis):
    digest = sha256(library / "talk.mp4")
    for asked in (library / "talk.mp4", "talk.mp4", "talk", digest, digest[:8], digest[:8].upper()):
        video = vidlib.open(asked)
        assert video.sha256 == digest
        assert len(video.shots) == 3


def test_a_renamed_copy_finds_its_results(ws, library, tmp_path, no_analysis):
    renamed = Path(shutil.copy(library / "talk.mp4", tmp_path / "final cut (2).mp4"))
    video = vidlib.open(renamed)
    assert video.name == "final cut (2).mp4"
    assert video.shots.stop.tolist() == [20, 41, 50]


def test_a_name_that_fits_two_videos_is_refused_with_both_of_them(ws, library, tmp_path):
    chosen = Workspace(tmp_path / "ws")
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        video = tmp_path / str(number) / "take.mp4"
        video.write_bytes(b"%d" % number)
        finished.register(chosen.settings, {}, video, content=f"abcd{number}" + "0" * 59)
    for asked in ("take.mp4", "take", "abcd"):
        with pytest.raises(UsageError, match=f"{asked}.*fits 2 videos.*abcd10000000.*abcd20000000.*SHA-256"):
            chosen.open(asked)
    assert chosen.open("abcd2").path == tmp_path / "2" / "take.mp4"


def test_a_video_that_is_nowhere_is_a_clear_mistake(ws):
    with pytest.raises(UsageError, match=r"no video 'tolk\.mp4'.*did you mean 'talk\.mp4'"):
        vidlib.open("tolk.mp4")
    with pytest.raises(UsageError, match="no such file"):
        vidlib.open("/nowhere/film.mp4")


def test_a_folder_or_archive_is_no_video(ws, library, tmp_path):
    with pytest.raises(UsageError, match=r"folder.*vidlib\.run"):
        vidlib.open(library)
    archive = shutil.make_archive(str(tmp_path / "delivery"), "zip", library, "talk.mp4")
    with pytest.raises(UsageError, match=r"archive.*vidlib\.run"):
        vidlib.open(archive)


@pytest.mark.parametrize("name", ["shots", "turns", "tracks", "blendshapes", "people", "words", "review"])
def test_tables_have_the_documented_columns(talk, name, no_analysis):
    table = getattr(talk, name)
    assert len(table)
    assert list(table.columns) == [column.name for column in frames.TABLES[name]]


def test_shots_count_frames_from_0_without_the_last(talk):
    shots = talk.shots
    assert list(zip(shots.start, shots.stop, strict=True)) == [(0, 20), (20, 41), (41, 50)]
    assert shots.duration_s.round(2).tolist() == [0.8, 0.84, 0.36]
    assert shots.boundary.tolist() == ["start", "cut", "dissolve"]


def test_frames_of_tracks_lie_in_their_shot(talk):
    rows = talk.tracks.merge(talk.shots, on="shot", suffixes=("", "_of_shot"))
    assert ((rows.start <= rows.frame) & (rows.frame < rows.stop)).all()
    assert rows.frame.min() == 0
    assert rows.frame.max() == 49


def test_blendshapes_are_those_of_faces(talk):
    rows = talk.blendshapes
    assert set(rows.track_id) == {1, 2, 4}
    assert rows[(rows.frame == 2) & (rows.track_id == 1)].jawOpen.item() == pytest.approx(0.7)


def test_turns_and_people_speak_of_the_same_speakers(talk):
    seconds = talk.turns.groupby("speaker").duration_s.sum().round(2)
    assert seconds.to_dict() == {"SPEAKER_00": 1.2, "SPEAKER_01": 0.4}
    people = talk.people
    assert people.speaker.fillna("").tolist() == ["SPEAKER_00", ""]
    assert people.track_ids.map(list).tolist() == [[1, 4], [2]]
    assert people.seen_s.tolist() == [1.16, 0.8]


def test_captions_count_as_words_with_whoever_speaks_then(talk, ws):
    words = talk.words
    assert words.text.tolist() == ["Guten Abend.", "Ja & nein."]
    assert words.speaker.tolist() == ["SPEAKER_00", "SPEAKER_01"]
    assert words.start.tolist() == [0, 21]
    silent = ws.open("street").words
    assert silent.empty
    assert list(silent.columns) == [column.name for column in frames.TABLES["words"]]


def test_what_to_check_says_where(talk):
    (row,) = talk.review.to_dict("records")
    assert (row["step"], row["frame"], row["time_s"], row["confidence"]) == ("scenes", 41, 1.64, 0.4)


def test_a_frame_is_the_one_of_that_number(talk):
    pixels = talk.frame(43)
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert sample_media.frame_number(pixels) == 43


def test_an_overlay_draws_the_boxes_of_that_frame(talk):
    plain, drawn = talk.frame(10), talk.frame(10, overlay=True)
    edges = np.zeros(plain.shape[:2], bool)
    edges[8:29, 10:31] = True  # the box of every track
    edges[12:25, 14:27] = False
    changed = np.abs(plain.astype(int) - drawn).max(axis=-1) > 30
    assert changed[edges].mean() > 0.3
    assert not changed[35:, 40:].any()


def test_a_frame_past_the_end_is_refused(talk):
    for number in (-1, 50):
        with pytest.raises(UsageError, match=f"no frame {number}; expected 0 to 49"):
            talk.frame(number)


def test_the_timeline_is_a_figure_of_shots_speakers_and_people(talk):
    texts = [text.get_text() for text in talk.timeline().axes[0].texts]
    assert [text.split()[-1] for text in texts] == ["3", "2", "2"]


def test_where_no_widgets_run_a_card_with_key_frames_stands_for_the_player(ws, talk):
    data, _ = talk.show()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/html"].count("data:image/jpeg") == 3
    assert "talk.mp4" in data["text/html"]


def test_nothing_of_a_name_runs(ws, library, tmp_path):
    hostile = Path(shutil.copy(library / "talk.mp4", tmp_path / "<script>alert(1)<∕script>.mp4"))
    assert "<script>" not in vidlib.open(hostile)._repr_html_()


def test_a_cell_shows_a_video_without_analysing_it(ws, tmp_path, no_analysis):
    new = tmp_path / "new.mp4"
    new.write_bytes(b"not looked at yet")
    assert "not analysed yet" in vidlib.open(new)._repr_html_()
    assert "3 shots" in vidlib.open("talk")._repr_html_()


def test_exports_are_the_bytes_that_editors_get(talk, tmp_path):
    csv = talk.export("csv", tmp_path / "list.csv")
    assert [(span.start, span.stop) for span in shots_csv.read(csv)] == [(0, 20), (20, 41), (41, 50)]
    assert csv.read_bytes().startswith(b"No,Timecode In,Timecode Out,Frame In,Frame Out\r\n1,")
    assert talk.export("rttm", tmp_path).name == "talk.rttm"
    srt = talk.export("srt", str(tmp_path / "talk.srt")).read_text()
    assert srt.startswith("1\n00:00:00,000 --> 00:00:00,800\nSPEAKER_00: Guten Abend.\n\n2\n")


def test_an_export_that_does_not_exist_lists_those_that_do(talk, ws, tmp_path):
    with pytest.raises(UnknownName, match=r"'rtm' is not an export format; did you mean 'rttm'.*csv"):
        talk.export("rtm", tmp_path / "a.rtm")
    with pytest.raises(VidlibError, match=r"street\.mp4 has no captions"):
        ws.open("street").export("srt", tmp_path / "a.srt")


def test_only_a_complete_set_replaces_a_complete_set(tmp_path, library):
    chosen = Workspace(tmp_path / "ws")
    clip = library / "talk.mp4"
    old = finished.all_steps(tmp_path / "old", video=clip)
    new = finished.all_steps(tmp_path / "new", video=clip, shots=[finished.Shot(finished.Span(0, 50), "start", 1.0)])
    finished.register(chosen.settings, {"scenes": new["scenes"]}, clip)
    assert len(chosen.open(clip).shots) == 1
    finished.register(chosen.settings, old, clip)
    finished.register(chosen.settings, {"scenes": new["scenes"]}, clip)
    assert len(chosen.open(clip).shots) == 3
    finished.register(chosen.settings, new, clip)
    assert len(chosen.open(clip).shots) == 1


def test_results_whose_folder_was_removed_do_not_count(tmp_path, library):
    chosen = Workspace(tmp_path / "ws")
    clip = library / "talk.mp4"
    kept = finished.all_steps(tmp_path / "kept", video=clip)
    removed = finished.all_steps(tmp_path / "removed", video=clip, shots=[finished.Shot(finished.Span(0, 50), "start")])
    finished.register(chosen.settings, kept, clip)
    finished.register(chosen.settings, removed, clip)
    shutil.rmtree(removed["tracking"])
    assert len(chosen.open(clip).shots) == 3


def test_a_damaged_result_is_named(tmp_path, library):
    chosen = Workspace(tmp_path / "ws")
    folders = finished.all_steps(tmp_path / "steps", video=library / "talk.mp4")
    finished.register(chosen.settings, folders, library / "talk.mp4")
    (folders["scenes"] / "shots.json").write_text("{")
    with pytest.raises(BrokenOutput, match=r"shots\.json"):
        _ = chosen.open("talk").shots


def test_a_video_whose_file_is_gone_says_so_when_something_is_missing(tmp_path):
    chosen = Workspace(tmp_path / "ws")
    lost = tmp_path / "lost.mp4"
    lost.write_bytes(b"1")
    finished.register(chosen.settings, {}, lost)
    lost.unlink()
    with pytest.raises(UsageError, match=r"lost\.mp4 has no results of scenes.*open it by the path"):
        _ = chosen.open("lost").shots


def test_results_of_removed_work_come_from_the_archive(tmp_path, library, no_analysis):
    chosen = Workspace(tmp_path / "ws")
    clip, folders = library / "talk.mp4", finished.all_steps(tmp_path / "steps", video=library / "talk.mp4")
    delivered = tmp_path / "delivered.mp4"
    delivered.write_bytes(clip.read_bytes() + b"at 25 fps")
    files = {
        "shots_csv": folders["scenes"] / "shots.csv",
        "rttm": folders["tracking"] / "speech.rttm",
        "tracking_parquet": folders["tracking"] / "tracking.parquet",
    }
    archive.put(chosen.settings.archive, "news", archive.ResultSet(clip, delivered, "talk", files), datetime.now(UTC))
    for file in (clip, delivered):
        video = chosen.open(file)
        assert video.shots.stop.tolist() == [20, 41, 50]
        assert video.shots.boundary.isna().all()
        assert len(video.turns) == 3
        assert video.tracks.frame.min() == 0
