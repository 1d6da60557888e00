import numpy as np
import pyarrow.parquet as pq
import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import tracking_table
from vidlib.results.exports.tracking_table import TrackRows, TrackSpeech
from vidlib.tracking.blendshapes import BLENDSHAPES


def rows(track_id: int, start: int, n: int = 3, **given) -> TrackRows:
    """A face of 10x20 pixels that moves right by a pixel a frame, without landmarks in its first frame."""
    blendshapes = np.full((n, 52), 0.25, np.float32)
    blendshapes[0] = np.nan
    boxes = np.array([[x, 5, x + 10, 25] for x in range(n)], float)
    confidence = np.full(n, 0.9)
    defaults = {"source": "face_landmarker", "label": "face", "speaker": None, "shot": 1}
    speaks = {"is_speaking": np.arange(n) > 0, "speaking_confidence": np.linspace(0, 0.8, n)}
    return TrackRows(
        track_id, **defaults | speaks | given, start=start, boxes=boxes, confidence=confidence, blendshapes=blendshapes
    )


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "tracking.parquet"
    with tracking_table.writing(path, total_frames=50, width=640, height=480) as write:
        write([rows(2, 1, speaker="SPEAKER_00"), rows(1, 0)])
        write([])
        write([rows(3, 40, shot=3, source="object_detector", label="dog")])
    return path


def test_rows_are_in_order_of_frame_then_track(table):
    read = tracking_table.read(table)
    assert list(zip(read.frame, read.track_id, strict=True)) == [
        (1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 2), (41, 3), (42, 3), (43, 3),
    ]  # fmt: skip


def test_adding_who_speaks_to_some_tracks_changes_nothing_else(table, tmp_path):
    speech = {1: TrackSpeech(np.array([True, True, False]), np.array([0.9, 0.7, 0.1]), "SPEAKER_07")}
    tracking_table.add_speech(table, tmp_path / "speech.parquet", speech)
    before, after = tracking_table.read(table), tracking_table.read(tmp_path / "speech.parquet")
    is_face = after.track_id == 1
    assert after[is_face].is_speaking.tolist() == [True, True, False]
    assert after[is_face].speaking_confidence.tolist() == pytest.approx([0.9, 0.7, 0.1])
    assert after[is_face].speaker.tolist() == ["SPEAKER_07"] * 3
    assert not after[~is_face].is_speaking.any() and after[~is_face].speaker.isna().all()
    changed = ["is_speaking", "speaking_confidence", "speaker"]
    assert after.drop(columns=changed).equals(before.drop(columns=changed))
    facts = [pq.read_schema(path).metadata[b"total_frames"] for path in (table, tmp_path / "speech.parquet")]
    assert facts == [b"50", b"50"]


def test_columns_are_those_that_other_programs_read(table):
    assert list(tracking_table.read(table).columns) == [
        "frame", "track_id", "source", "label", "confidence", "centroid_x", "centroid_y", "bbox_xmin", "bbox_ymin",
        "bbox_width", "bbox_height", "is_speaking", "speaking_confidence", "speaker", "shot", *BLENDSHAPES,
    ]  # fmt: skip
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == 52


def test_a_box_comes_back_as_place_and_size(table):
    first = tracking_table.read(table).iloc[0]
    assert (first.bbox_xmin, first.bbox_ymin, first.bbox_width, first.bbox_height) == (0, 5, 10, 20)
    assert (first.centroid_x, first.centroid_y) == (5, 15)


def test_what_is_not_known_is_null(table):
    read = tracking_table.read(table)
    assert read.jawOpen.isna().sum() == 3
    assert read.speaker.dropna().tolist() == ["SPEAKER_00"] * 3


def test_it_is_read_one_shot_at_a_time(table):
    parts = list(tracking_table.read_shots(table, ["frame", "shot"]))
    assert [part["shot"].unique().to_pylist() for part in parts] == [[1], [3]]


@pytest.mark.parametrize(("group_rows", "groups"), [(1, 3), (3, 2), (100, 1)])
def test_shots_share_row_groups_and_are_none_the_worse(tmp_path, monkeypatch, group_rows, groups):
    monkeypatch.setattr(tracking_table, "GROUP_ROWS", group_rows)
    path = tmp_path / "t.parquet"
    with tracking_table.writing(path, total_frames=50, width=640, height=480) as write:
        for shot in (1, 2, 4):
            write([rows(shot, 10 * shot, 2, shot=shot)])
    assert pq.ParquetFile(path).num_row_groups == groups
    parts = [part.to_pydict() for part in tracking_table.read_shots(path, ["shot", "frame"])]
    assert parts == [{"shot": [n] * 2, "frame": [10 * n + 1, 10 * n + 2]} for n in (1, 2, 4)]
    assert [part.column_names for part in tracking_table.read_shots(path, ["frame"])] == [["frame"]] * 3


def test_the_file_says_what_it_is_about(table):
    facts = pq.read_schema(table).metadata
    assert {facts[key] for key in (b"fps", b"total_frames", b"width", b"height")} == {b"25", b"50", b"640", b"480"}
    assert pq.ParquetFile(table).metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_video_that_shows_nothing_has_an_empty_table(tmp_path):
    with tracking_table.writing(tmp_path / "t.parquet", total_frames=5, width=64, height=48):
        pass
    assert len(tracking_table.read(tmp_path / "t.parquet")) == 0
    assert list(tracking_table.read_shots(tmp_path / "t.parquet")) == []


def test_equal_tracks_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        with tracking_table.writing(tmp_path / name, total_frames=5, width=64, height=48) as write:
            write([rows(1, 0)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_is_left_where_writing_failed(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        tracking_table.writing(tmp_path / "t.parquet", total_frames=5, width=64, height=48) as write,
    ):
        write([rows(1, 0)])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_text("frame,track_id\n")
    with pytest.raises(BrokenOutput, match=r"t\.parquet"):
        tracking_table.read(tmp_path / "t.parquet")
