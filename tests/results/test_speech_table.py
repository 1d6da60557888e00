"""The frame table: a row for each frame, whatever is said."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vidlib.errors import BrokenOutput
from vidlib.results.exports import speech_table
from vidlib.timeline import Turn


def rows(path) -> list[tuple]:
    return [tuple(row.values()) for row in speech_table.read(path).to_pylist()]


def test_every_frame_has_a_row_and_speech_of_nobody_has_no_label(tmp_path):
    turns = [Turn(0.04, 0.12, "SPEAKER_01"), Turn(0.08, 0.12, "SPEAKER_00")]
    path = speech_table.write(tmp_path / "speech.parquet", 5, [(0.04, 0.16)], turns)
    assert rows(path) == [
        (1, False, []),
        (2, True, ["SPEAKER_01"]),
        (3, True, ["SPEAKER_00", "SPEAKER_01"]),
        (4, True, []),
        (5, False, []),
    ]


def test_a_frame_counts_where_its_middle_is_speech(tmp_path):
    path = speech_table.write(tmp_path / "speech.parquet", 3, [(0.019, 0.059)], [])
    assert [row[1] for row in rows(path)] == [True, False, False]


def test_speech_beyond_the_last_frame_is_left_out(tmp_path):
    path = speech_table.write(tmp_path / "speech.parquet", 2, [], [Turn(0.04, 9, "SPEAKER_00"), Turn(9, 10, "S")])
    assert rows(path) == [(1, False, []), (2, True, ["SPEAKER_00"])]


@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table.slice(1),
        lambda table: table.set_column(1, "is_speech", pa.array([False, False])),
        lambda table: table.drop_columns("frame"),
    ],
    ids=["a frame is missing", "a speaker without speech", "no frame numbers"],
)
def test_a_wrong_table_is_refused(tmp_path, damage):
    path = speech_table.write(tmp_path / "speech.parquet", 2, [], [Turn(0, 0.04, "SPEAKER_00")])
    pq.write_table(damage(pq.read_table(path)), path)
    with pytest.raises(BrokenOutput):
        speech_table.read(path)


def test_what_is_no_table_is_refused(tmp_path):
    path = tmp_path / "speech.parquet"
    path.write_text("no parquet")
    with pytest.raises(BrokenOutput, match="not a speech table"):
        speech_table.read(path)


def test_the_table_names_the_audio_tracks_that_it_describes(tmp_path):
    """The first track alone is not written, so that such a table has the bytes of earlier versions."""
    first, others = (
        speech_table.write(tmp_path / f"{name}.parquet", 5, [], [], tracks)
        for name, tracks in {"first": (1,), "others": (2, 3)}.items()
    )
    assert (speech_table.read_tracks(first), speech_table.read_tracks(others)) == ((1,), (2, 3))
    assert first.read_bytes() == speech_table.write(tmp_path / "default.parquet", 5, [], []).read_bytes()
    assert rows(first) == rows(others)
