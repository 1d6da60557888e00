"""The file of a video's corrections: nothing is lost, nothing is changed, and everything can be taken back."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from vidlib.corrections import store
from vidlib.corrections.actions import AddCut, NameSpeaker, RemoveCut, active, parse
from vidlib.errors import BrokenOutput, UnknownName, UsageError

VIDEO = "ab" * 32


def add(folder: Path, frame: int) -> str:
    return store.append(folder, VIDEO, AddCut(frame=frame), "anna").id


def add_many(folder: Path, first: int) -> None:
    for frame in range(first, first + 5):
        add(folder, frame)


def test_sixteen_writers_at_once_lose_nothing(tmp_path: Path):
    context = get_context("fork")
    writers = [context.Process(target=add_many, args=(tmp_path, 1 + 5 * number)) for number in range(8)]
    for writer in writers:
        writer.start()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: add_many(tmp_path, 101 + 5 * number), range(8)))
    for writer in writers:
        writer.join()
    frames = sorted(entry.decision.frame for entry in store.read(tmp_path, VIDEO))
    assert frames == [*range(1, 41), *range(101, 141)]


def test_entries_are_only_added_and_an_undo_is_one_more(tmp_path: Path):
    first, second = add(tmp_path, 10), add(tmp_path, 20)
    before = store.read(tmp_path, VIDEO)
    back = store.undo(tmp_path, VIDEO, "ben")
    known = store.read(tmp_path, VIDEO)
    assert known[:2] == before and known[2].by == "ben"
    assert [one.id for one in active(known)] == [first]
    store.undo(tmp_path, VIDEO, "ben", back.id)
    assert [one.id for one in active(store.read(tmp_path, VIDEO))] == [first, second]


def test_undo_says_what_it_cannot_take_back(tmp_path: Path):
    with pytest.raises(UsageError, match="no correction"):
        store.undo(tmp_path, VIDEO, "anna")
    one = add(tmp_path, 10)
    store.undo(tmp_path, VIDEO, "anna", one[:6])
    with pytest.raises(UsageError, match="undone already"):
        store.undo(tmp_path, VIDEO, "anna", one)
    with pytest.raises(UnknownName):
        store.undo(tmp_path, VIDEO, "anna", "nothing")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"version": 9}', '{"version": 1, "video": "x"}', "[" * 9999])
def test_a_damaged_file_is_named_and_left_alone(tmp_path: Path, content: str):
    path = store.path_of(tmp_path, VIDEO)
    path.write_text(content)
    for call in (
        lambda: store.read(tmp_path, VIDEO),
        lambda: add(tmp_path, 5),
        lambda: store.undo(tmp_path, VIDEO, ""),
    ):
        with pytest.raises(BrokenOutput, match=r"is damaged.*backup"):
            call()
    assert path.read_text() == content


def test_what_was_written_is_read_back(tmp_path: Path):
    decision = NameSpeaker(speaker="SPEAKER_01", name="Anna  Weber\u00a0".strip())
    entry = store.append(tmp_path, VIDEO, decision, "anna")
    assert store.read(tmp_path, VIDEO) == [entry]
    assert entry.decision == decision and decision.name == "Anna Weber"


@pytest.mark.parametrize("name", ["", " ", "a\nb\x1b[31m", "x" * 81, "SPEAKER_03", "<v Anna>", "\u202eanna"])
def test_a_name_must_be_one_that_exports_can_write(name: str):
    with pytest.raises(UsageError, match="name: name"):
        parse("name", {"speaker": "SPEAKER_01", "name": name})


@pytest.mark.parametrize(
    ("action", "fields", "message"),
    [
        ("add_cut", {"frame": 0}, "frame = 0"),
        ("add-cut", {"frame": 5, "kind": "wipe"}, "kind = 'wipe'"),
        ("set_speaker", {"start": 5, "stop": 5, "speaker": "SPEAKER_00"}, "before stop"),
        ("merge", {"track": 3, "other": 3}, "two tracks"),
        ("move-cut", {"frame": 3}, "to"),
    ],
)
def test_a_wrong_field_is_named(action: str, fields: dict, message: str):
    with pytest.raises(UsageError, match=message):
        parse(action, fields)
    with pytest.raises(UnknownName, match="add-cut"):
        parse("addcut", {})


def test_a_name_of_an_action_may_have_underscores():
    assert parse("remove_cut", {"frame": 3}) == RemoveCut(frame=3)
