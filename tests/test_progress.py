from itertools import chain, repeat

from vidlib import progress


def test_a_folder_where_nothing_was_said_has_no_progress(tmp_path):
    assert progress.read(tmp_path) is None


def test_what_a_notebook_reports_is_read_by_whoever_watches_its_folder(tmp_path, capsys):
    report = progress.in_notebook(tmp_path, clock=lambda: 0.0)
    report(1, 4)
    assert progress.read(tmp_path) == (1, 4)


def test_reports_are_written_at_most_twice_a_second_and_the_last_one_always(tmp_path, capsys):
    """The clock starts at 0 and stands at 0.0, 0.1, 0.6 and then 0.7 seconds as the four reports come."""
    times = chain([0.0, 0.0, 0.1, 0.6], repeat(0.7))
    report = progress.in_notebook(tmp_path, clock=lambda: next(times))
    seen = []
    for done in (1, 2, 3, 4):
        report(done, 4)
        seen.append(progress.read(tmp_path))
    assert seen == [(1, 4), (1, 4), (3, 4), (4, 4)]


def test_work_of_unknown_size_is_no_progress(tmp_path, capsys):
    progress.in_notebook(tmp_path, clock=lambda: 0.0)(0, 0)
    assert progress.read(tmp_path) is None


def test_half_a_file_is_no_progress(tmp_path):
    (tmp_path / progress.PROGRESS_FILE).write_text('{"done": 1, "to')
    assert progress.read(tmp_path) is None


def test_quiet_says_nothing(capsys):
    progress.quiet(1, 2)
    assert capsys.readouterr() == ("", "")
