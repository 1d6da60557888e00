"""Tables over all videos of a workspace, and questions in SQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import finished
from vidlib import Workspace
from vidlib.errors import UsageError
from vidlib.results import frames

N_VIDEOS = 200


def test_every_table_has_the_documented_columns_and_both_videos(ws):
    for name in ("videos", "shots", "turns", "tracks", "people", "review"):
        table = getattr(ws, name)()
        assert set(table.video) == {"talk.mp4", "street.mp4"}, name
        whole = [column.name for column in frames.columns_of(name, workspace=True)]
        assert list(table.columns) == (whole[:17] if name == "tracks" else whole)
    assert set(ws.words().video) == {"talk.mp4"}


def test_a_video_has_one_row_of_facts(ws, library):
    rows = ws.videos().set_index("video")
    talk = rows.loc["talk.mp4"]
    assert (talk.frames, talk.duration_s, talk.width, talk.n_shots, talk.n_speakers) == (50, 2.0, 64, 3, 2)
    assert talk.path == str(library / "talk.mp4")
    assert rows.has_audio.to_dict() == {"talk.mp4": True, "street.mp4": False}


def test_sql_joins_tables_with_frames_from_0(ws):
    query = """
        SELECT video, shot, min(frame - start) AS first, count(*) AS n
        FROM tracks JOIN shots USING (video, sha256, shot) WHERE video = ? GROUP BY ALL ORDER BY shot
    """
    assert ws.sql(query, ["talk.mp4"])[["shot", "first", "n"]].values.tolist() == [[1, 0, 40], [2, 0, 21], [3, 0, 9]]


def test_sql_knows_blendshapes(ws):
    smiles = ws.sql("SELECT count(*) AS n FROM tracks WHERE is_speaking AND mouthSmileLeft > 0.5 GROUP BY video")
    assert smiles.n.tolist() == [22, 22]


def test_tracks_are_read_by_column(ws):
    assert list(ws.tracks(["frame", "jawOpen"]).columns) == ["video", "sha256", "frame", "jawOpen"]
    with pytest.raises(UsageError, match="'jawopen' is no column of tracks; did you mean 'jawOpen'"):
        ws.tracks(["jawopen"])


def test_an_empty_workspace_has_empty_tables(tmp_path):
    empty = Workspace(tmp_path / "ws")
    sentence = r"ws has no video with complete results; process one with vidlib\.run"
    with pytest.warns(UserWarning, match=sentence) as warned:
        assert empty.videos().empty
        assert empty.tracks().empty
        assert empty.sql("SELECT count(*) AS n FROM tracks, shots").n.tolist() == [0]
    assert {warning.filename for warning in warned} == {__file__}
    assert "0 videos" in empty._repr_html_()
    assert f"{tmp_path / 'ws'} has no video with complete results" in empty._repr_html_()
    assert f"{tmp_path / 'ws'} has no video with complete results" in repr(empty)


def test_a_cell_shows_the_videos(ws):
    page = ws._repr_html_()
    assert "2 videos" in page
    assert "talk.mp4" in page


def test_a_video_with_damaged_results_is_left_out_with_a_warning(library, tmp_path, caplog):
    chosen = Workspace(tmp_path / "ws")
    for name in ("good", "damaged"):
        folders = finished.all_steps(tmp_path / name, video=library / "talk.mp4")
        finished.register(chosen.settings, folders, tmp_path / f"{name}.mp4", content=name)
    (folders["scenes"] / "shots.json").write_text("{")
    (folders["tracking"] / "tracking.parquet").unlink()
    assert set(chosen.shots().video) == {"good.mp4"}
    assert chosen.sql("SELECT DISTINCT video FROM tracks").video.tolist() == ["good.mp4"]
    assert "damaged.mp4 is left out" in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{file}'",
        "COPY shots TO '{file}'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW tracks",
        "DELETE FROM shots",
        "ATTACH '{file}' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "EXPORT DATABASE '{file}'",
        "SELECT 1; COPY (SELECT 1) TO '{file}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}'",
        "",
    ],
)
def test_sql_writes_nothing(ws, tmp_path, query):
    with pytest.raises(UsageError):
        ws.sql(query.format(file=tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
    assert len(ws.shots()) == 6


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_parquet('{parquet}')",
        "SELECT * FROM parquet_metadata('{parquet}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
        "SELECT * FROM sniff_csv('{file}')",
        "SELECT * FROM shots, read_text('{file}')",
        "SELECT * FROM secret_table",
    ],
)
def test_sql_reads_no_other_file_and_no_variable(ws, tmp_path, query):
    secret_table = ws.shots()  # a variable here is no table there
    assert len(secret_table)
    file = tmp_path / "secret.csv"
    file.write_text("password\nhunter2\n")
    parquet = next(ws.settings.work.rglob("tracking.parquet"))
    with pytest.raises(UsageError, match="the query on the tables"):
        ws.sql(query.format(file=file, parquet=parquet, folder=tmp_path))


def test_a_mistake_in_sql_is_explained(ws):
    with pytest.raises(UsageError, match=r"the tables videos, shots, .*no_such"):
        ws.sql("SELECT * FROM no_such")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Path:
    """A workspace of `N_VIDEOS` videos with 40 s of two faces each; the same bytes, hard-linked."""
    root = tmp_path_factory.mktemp("large")
    chosen = Workspace(root / "it's [1] large").settings
    tracks = [finished.track(number, range(1000), 1) for number in (1, 2)]
    shots = [finished.Shot(finished.Span(0, 1000), "start")]
    first = finished.all_steps(chosen.work / "first", video=library / "talk.mp4", shots=shots, tracks=tracks)
    for number in range(N_VIDEOS):
        folders = {}
        for step, folder in first.items():
            folders[step] = chosen.work / f"{number:016}" / folder.name
            folders[step].mkdir(parents=True)
            for file in folder.iterdir():
                os.link(file, folders[step] / file.name)
        video = root / f"video {number}.mp4"
        finished.register(chosen, folders, video, content=f"{number:064}")
    return chosen.workspace


MEASURE = """
import resource, sys, vidlib
ws = vidlib.Workspace(sys.argv[1])
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
ws.sql("SELECT count(*) AS n, sum(is_speaking::int) FROM tracks WHERE sha256 = '" + "0" * 64 + "'")
before = peak()
rows = ws.sql("SELECT count(*) AS n, count(DISTINCT video) AS videos, avg(jawOpen) AS jaw FROM tracks")
print(int(rows.n[0]), int(rows.videos[0]), peak() - before)
"""


@pytest.mark.slow
def test_a_question_to_many_videos_does_not_load_them(large):
    """All rows and columns take 160 MB in pandas."""
    command = [sys.executable, "-c", MEASURE, str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    n_rows, n_videos, grown_mb = map(int, done.stdout.split())
    assert (n_rows, n_videos) == (N_VIDEOS * 2000, N_VIDEOS)
    assert grown_mb < 40
