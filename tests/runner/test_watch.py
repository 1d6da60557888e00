"""What the watched inbox starts, with a clock and pauses that the test holds."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.waiting import LIMIT_S
from vidlib.errors import UsageError, VidlibError
from vidlib.files import sha256
from vidlib.runner.projects import content_sha256
from vidlib.runner.watch import watch
from vidlib.settings import Settings

SETTLE_S = 60


class Pauses(threading.Event):
    """Stands for the pauses between the looks: in each the next thing happens, and after the last one all stops."""

    def __init__(self, happenings: list[Callable[[], object]]):
        super().__init__()
        self.happenings = happenings

    def wait(self, timeout: float | None = None) -> bool:
        if self.happenings:
            self.happenings.pop(0)()
        else:
            self.set()
        return self.is_set()


@dataclass
class Night:
    """A watched inbox: its time in seconds, what was started, and the SHA-256s that the history knows."""

    settings: Settings
    now: float = 0
    started: list[list[str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    @property
    def inbox(self) -> Path:
        return self.settings.inbox

    def start(self, paths: list[Path]) -> None:
        self.started.append([path.name for path in paths])

    def watch(self, *pauses: Callable[[], object], start: Callable | None = None, known: Callable | None = None):
        """Look once, and once more after each of ``pauses``."""
        watch(
            self.settings,
            start or self.start,
            known=known or self.known.__contains__,
            stop=Pauses(list(pauses)),
            settle_s=SETTLE_S,
            clock=lambda: self.now,
        )

    def pass_by(self, seconds: float = SETTLE_S) -> None:
        self.now += seconds


@pytest.fixture
def night(workspace: Settings, caplog: pytest.LogCaptureFixture) -> Night:
    caplog.set_level("INFO", "vidlib.watch")
    workspace.inbox.mkdir(parents=True)
    return Night(workspace)


def put(path: Path, content: bytes = b"pictures", mtime: float | None = None) -> Path:
    """A file as somebody else leaves it; ``mtime`` in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("clip.mp4", "pictures of the archive")
    return path


def test_an_unchanged_delivery_is_started_once(night):
    put(night.inbox / "b.mp4", b"b")
    archive(night.inbox / "a.delivery")  # an archive is known by its content
    put(night.inbox / "reel" / "clips" / "c.MOV", b"c")
    night.watch(lambda: night.pass_by(SETTLE_S - 1), lambda: night.pass_by(1), night.pass_by, night.pass_by)
    assert night.started == [["a.delivery", "b.mp4", "reel"]]


def test_a_file_that_grows_waits_until_it_is_whole(night):
    video = put(night.inbox / "film.mp4")

    def grow() -> None:
        put(video, video.read_bytes() + b"more", mtime=1)
        night.pass_by()

    night.watch(grow, grow, grow, lambda: night.pass_by(SETTLE_S - 1))
    assert night.started == []
    night.watch(night.pass_by)
    assert night.started == [["film.mp4"]]


def test_a_file_that_is_written_without_growing_waits_too(night):
    video = put(night.inbox / "film.mp4", mtime=1)

    def rewrite() -> None:
        put(video, mtime=video.stat().st_mtime + 1)
        night.pass_by()

    night.watch(rewrite, rewrite)
    assert night.started == []


def test_a_folder_waits_for_everything_in_it(night):
    put(night.inbox / "reel" / "a.mp4")

    def another(name: str) -> None:
        put(night.inbox / "reel" / "more" / name)
        night.pass_by()

    night.watch(lambda: another("b.mp4"), lambda: another("notes.txt"), lambda: another("c.mp4.part"), night.pass_by)
    assert night.started == []
    (night.inbox / "reel" / "more" / "c.mp4.part").rename(night.inbox / "reel" / "more" / "c.mp4")
    night.watch(night.pass_by)
    assert night.started == [["reel"]]


def test_hidden_and_partial_files_are_ignored(night, caplog):
    for name in (".film.mp4.Xa3b", "~film.mp4", "film.mp4.part", "film.mp4.crdownload", "film.zip.TMP", "a.filepart"):
        put(night.inbox / name)
    night.watch(night.pass_by, night.pass_by)
    assert night.started == []
    assert caplog.messages == [f"watching {night.inbox}"]


def test_a_download_is_started_under_its_final_name(night):
    part = put(night.inbox / "film.mp4.part")
    night.watch(night.pass_by, lambda: part.rename(night.inbox / "film.mp4"), night.pass_by)
    assert night.started == [["film.mp4"]]


def test_other_files_are_logged_once(night, caplog):
    put(night.inbox / "notes.txt", b"for the editor")
    put(night.inbox / "empty.mp4", b"")
    put(night.inbox / "pictures" / "still.png")
    os.mkfifo(night.inbox / "pipe.mp4")
    (night.inbox / "nowhere.mp4").symlink_to("gone")

    def touch() -> None:
        put(night.inbox / "notes.txt", b"for the editor, again")
        night.pass_by()

    night.watch(night.pass_by, night.pass_by, touch, night.pass_by)
    assert night.started == []
    ignored = sorted(message for message in caplog.messages if "ignored" in message)
    assert [message.split("'")[1] for message in ignored] == [
        "empty.mp4",
        "notes.txt",
        "pictures",
        "pipe.mp4",
    ]


def test_a_name_that_is_not_utf_8_is_started(night):
    put(night.inbox / b"caf\xe9.mp4".decode("utf-8", "surrogateescape"))
    night.watch(night.pass_by, night.pass_by)
    assert len(night.started) == 1


def test_an_empty_file_that_is_filled_later_is_started(night):
    video = put(night.inbox / "film.mp4", b"")
    night.watch(night.pass_by, lambda: put(video, b"pictures"), night.pass_by)
    assert night.started == [["film.mp4"]]


def test_content_that_a_run_had_is_not_started(night, caplog):
    video = put(night.inbox / "renamed.mp4")
    reel = put(night.inbox / "reel" / "a.mp4", b"a").parent
    night.known = {sha256(video), content_sha256(reel)}
    night.watch(night.pass_by, night.pass_by)
    assert night.started == []
    assert [message for message in caplog.messages if "known" in message] == [
        "'reel' is not started: its content is known",
        "'renamed.mp4' is not started: its content is known",
    ]


def test_one_content_under_two_names_is_started_once(night):
    put(night.inbox / "a.mp4")
    put(night.inbox / "copy of a.mp4")
    night.watch(night.pass_by, night.pass_by)
    assert night.started == [["a.mp4"]]


def test_a_file_that_failed_is_started_again_only_when_it_is_replaced(night):
    video = put(night.inbox / "film.mp4", b"broken", mtime=1)

    def replace() -> None:
        put(video, b"repaired", mtime=2)
        night.pass_by()

    night.watch(night.pass_by, night.pass_by, replace, night.pass_by, night.pass_by)
    assert night.started == [["film.mp4"], ["film.mp4"]]


def test_a_share_that_went_away_and_came_back_starts_nothing_twice(night):
    put(night.inbox / "film.mp4")
    away = night.inbox.with_name("away")

    def go() -> None:
        night.inbox.rename(away)

    def come_back() -> None:
        shutil.rmtree(night.inbox)
        away.rename(night.inbox)

    night.watch(night.pass_by, go, night.pass_by, come_back, night.pass_by, night.pass_by)
    assert night.started == [["film.mp4"]]


@pytest.mark.parametrize("error", [UsageError("no such thing"), OSError(28, "No space left on device")])
def test_a_start_that_fails_is_logged_and_the_next_delivery_is_started(night, caplog, error):
    def fail_once(paths: list[Path]) -> None:
        night.start(paths)
        if len(night.started) == 1:
            raise error

    put(night.inbox / "a.mp4", b"a")
    night.watch(night.pass_by, lambda: put(night.inbox / "b.mp4", b"b"), night.pass_by, start=fail_once)
    assert night.started == [["a.mp4"], ["b.mp4"]]
    (problem,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert str(error) in problem.getMessage()
    assert "'a.mp4'" in problem.getMessage()


def test_a_bug_is_not_hidden(night):
    def broken(paths: list[Path]) -> None:
        raise ZeroDivisionError

    put(night.inbox / "a.mp4")
    with pytest.raises(ZeroDivisionError):
        night.watch(night.pass_by, start=broken)


def test_a_history_that_is_away_is_asked_again(night, caplog):
    answers = [VidlibError("the history cannot be used"), VidlibError("the history cannot be used"), False]

    def known(sha256: str) -> bool:
        if isinstance(answer := answers.pop(0), Exception):
            raise answer
        return answer

    put(night.inbox / "a.mp4")
    night.watch(night.pass_by, night.pass_by, night.pass_by, known=known)
    assert night.started == [["a.mp4"]]
    assert sum("the history cannot be used" in message for message in caplog.messages) == 1


def test_a_missing_inbox_is_created(night):
    night.inbox.rmdir()
    night.watch(lambda: put(night.inbox / "a.mp4"), night.pass_by, night.pass_by)
    assert night.started == [["a.mp4"]]


def test_an_inbox_that_cannot_be_read_is_logged_once_and_tried_again(night, caplog):
    night.inbox.rmdir()
    put(night.inbox, b"no folder")

    def repair() -> None:
        night.inbox.unlink()
        put(night.inbox / "a.mp4")

    night.watch(night.pass_by, night.pass_by, repair, night.pass_by)
    assert night.started == [["a.mp4"]]
    inbox = [message for message in caplog.messages if str(night.inbox) in message]
    assert [message.partition("' ")[2].partition(":")[0] for message in inbox[1:]] == [
        "cannot be read now and is tried again",
        "can be read again",
    ]


def test_a_file_that_changes_while_it_is_read_waits(night, monkeypatch):
    video = put(night.inbox / "film.mp4", mtime=1)
    late = iter([b"one more frame"])

    def read(path: Path) -> str:
        found = content_sha256(path)
        for content in late:
            put(video, content, mtime=2)
        return found

    monkeypatch.setattr("vidlib.runner.watch.content_sha256", read)
    night.watch(night.pass_by)
    assert night.started == []
    night.watch(night.pass_by)
    assert night.started == [["film.mp4"]]


def test_nothing_is_started_after_the_stop(night):
    put(night.inbox / "a.mp4")
    stop = Pauses([night.pass_by])

    def known(sha256: str) -> bool:
        stop.set()
        return False

    watch(night.settings, night.start, known=known, stop=stop, settle_s=SETTLE_S, clock=lambda: night.now)
    assert night.started == []


def test_the_stop_ends_a_pause_at_once(night):
    put(night.inbox / "a.mp4")
    stop, started = threading.Event(), threading.Event()
    thread = threading.Thread(
        target=watch,
        args=(night.settings, lambda paths: started.set()),
        kwargs={"known": lambda sha256: False, "stop": stop, "every_s": 10**6, "settle_s": 0},
    )
    thread.start()
    assert started.wait(LIMIT_S)
    stop.set()
    thread.join(LIMIT_S)
    assert not thread.is_alive()


WATCHER = """
import signal, threading
from vidlib.runner.watch import watch
from vidlib.settings import settings

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
watch(settings(), lambda paths: print(*paths, flush=True), known=lambda sha: False, stop=stop, every_s=1e6, settle_s=0)
print("over")
"""


@pytest.mark.slow
def test_sigterm_ends_the_watch_at_once(night):
    video = put(night.inbox / "a.mp4")
    with subprocess.Popen([sys.executable, "-c", WATCHER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == f"{video}\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "over\n"
    assert process.returncode == 0
