"""``vidlib downloads``, against a server on this machine."""

import hashlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest import faulty_server
from tests.runner.processes import Command
from tests.waiting import LIMIT_S, wait_until
from vidlib.ingest import providers
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.urls import handle
from vidlib.runner.downloads import store
from vidlib.runner.store.runs import History
from vidlib.settings import settings

VIDEO = b"\0\0\0\x18ftypmp42" + os.urandom(2_000_000)
SHA256 = hashlib.sha256(VIDEO).hexdigest()
LINK = "https://h.example/old.zip"

pytestmark = pytest.mark.usefixtures("allowed")


@pytest.fixture
def server() -> Iterator[faulty_server.Server]:
    with faulty_server.running() as server:
        yield server


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_download_lands_in_the_inbox_and_prints_its_path_and_checksum(server, vidlib, allowed):
    url = server.page("/film.mp4", lambda request: request.file(VIDEO))
    code, out, err = vidlib("downloads", "get", url)
    assert (code, out, err) == (0, f"{allowed.inbox / 'film.mp4'}  {SHA256}\n", "")
    assert files_in(allowed.inbox) == ["film.mp4"]


def test_a_known_link_in_any_spelling_returns_the_existing_file(server, vidlib, allowed):
    url = server.page("/film.mp4", lambda request: request.file(VIDEO))
    vidlib("downloads", "get", f"{url}?a=1&b=2")
    code, out, _ = vidlib("downloads", "get", f"  {url}?b=2&amp;amp;a=1#x", "--json")
    answer = json.loads(out)
    assert (code, answer["there_already"], answer["sha256"]) == (0, True, SHA256)
    assert len(server.asked) == 1
    assert vidlib("downloads", "get", f"{url}?a=1&b=2", "--again")[0] == 0
    assert len(server.asked) == 2


def test_the_same_content_under_another_link_is_stored_once(server, vidlib, allowed):
    vidlib("downloads", "get", server.page("/film.mp4", lambda request: request.file(VIDEO)))
    again = server.page("/again.mp4", lambda request: request.file(VIDEO))
    assert vidlib("downloads", "get", again)[1] == f"{allowed.inbox / 'film.mp4'}  {SHA256}\n"
    assert files_in(allowed.inbox) == ["film.mp4"]


def test_a_deleted_file_is_downloaded_again_only_with_the_option(server, vidlib, allowed):
    url = server.page("/film.mp4", lambda request: request.file(VIDEO))
    vidlib("downloads", "get", url)
    (allowed.inbox / "film.mp4").unlink()
    code, out, err = vidlib("downloads", "get", url)
    assert (code, out) == (2, "")
    assert "was downloaded before, but its file" in err and "--again" in err


def test_a_download_goes_into_the_given_folder(server, vidlib, allowed, tmp_path):
    url = server.page("/film.mp4", lambda request: request.file(VIDEO))
    assert vidlib("downloads", "get", url, "--to", tmp_path / "rushes")[0] == 0
    assert files_in(tmp_path / "rushes") == ["film.mp4"]


@pytest.mark.parametrize(
    ("link", "code", "says", "state"),
    [
        ("/missing.zip", 1, "answered 404", "failed"),
        ("/page.zip", 3, "a web page came instead of a file", "failed"),
        ("https://we.tl/t-1", 3, "gives files to people only", "manual"),
        ("http://10.0.0.1/a.zip", 3, "VIDLIB_ALLOW_PRIVATE_HOSTS", "failed"),
    ],
)
def test_a_failed_download_is_one_line_and_stays_in_the_history(server, vidlib, allowed, link, code, says, state):
    server.page("/page.zip", lambda request: request.answer(body=b"<!doctype html>"))
    link = server.base + link if link.startswith("/") else link
    found, out, err = vidlib("downloads", "get", link)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert says in err
    (row,) = json.loads(vidlib("downloads", "list", "--json")[1])["downloads"]
    assert (row["state"], row["url"]) == (state, link)
    assert says in row["error"]


def test_an_invalid_link_is_refused(vidlib):
    code, _, err = vidlib("downloads", "get", "film.zip")
    assert (code, "expected a link that begins with https://" in err) == (3, True)


def hang_after(n_bytes: int):
    """A page that sends the beginning of the video, and then nothing."""

    def page(request: faulty_server.Request) -> None:
        request.head("200 OK", content_length=len(VIDEO), etag='"one"')
        request.send(VIDEO[:n_bytes])
        request.closing.wait()

    return page


def arrived(inbox: Path) -> int:
    return sum(path.stat().st_size for path in inbox.glob("*.part"))


@pytest.mark.slow
def test_a_killed_download_continues_where_it_stopped(server, vidlib, allowed):
    url = server.pages_in_turn("/film.mp4", hang_after(1_000_000), lambda request: request.file(VIDEO))
    with Command(["downloads", "get", url]) as process:
        wait_until(lambda: arrived(allowed.inbox) >= 900_000)
        process.send_signal(signal.SIGKILL)
    kept = arrived(allowed.inbox)
    assert vidlib("downloads", "get", url) == (0, f"{allowed.inbox / 'film.mp4'}  {SHA256}\n", "")
    assert server.ranges("/film.mp4") == [None, f"bytes={kept}-"]
    assert files_in(allowed.inbox) == ["film.mp4"]


@pytest.mark.slow
def test_sigterm_pauses_a_download_and_the_next_call_continues_it(server, vidlib, allowed):
    url = server.pages_in_turn("/film.mp4", hang_after(1_000_000), lambda request: request.file(VIDEO))
    with Command(["downloads", "get", url]) as process:
        wait_until(lambda: arrived(allowed.inbox) >= 900_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 130
    assert json.loads(vidlib("downloads", "list", "--json")[1])["downloads"][0]["state"] == "paused"
    assert vidlib("downloads", "get", url)[1].endswith(f"{SHA256}\n")


@pytest.mark.slow
def test_another_process_can_cancel_a_download_but_not_start_it_twice(server, vidlib, allowed):
    url = server.pages_in_turn("/film.mp4", hang_after(1_000_000), lambda request: request.file(VIDEO))
    with Command(["downloads", "get", url]) as process:
        wait_until(lambda: arrived(allowed.inbox) >= 900_000)
        code, _, err = vidlib("downloads", "get", url)
        assert (code, f"is already being downloaded by process {process.pid}" in err) == (2, True)
        assert vidlib("downloads", "mark", url, "cancelled")[1] == f"{url} was requested to be cancelled\n"
        assert process.wait(LIMIT_S) == 130
    assert json.loads(vidlib("downloads", "list", "--json")[1])["downloads"][0]["state"] == "cancelled"


def offer(server: faulty_server.Server, monkeypatch: pytest.MonkeyPatch, *records: object) -> None:
    """Have the webhook offer ``records``."""
    body = json.dumps(records).encode()
    server.page("/webhook", lambda request: request.answer(body=body, etag=f'"{len(body)}"'))
    monkeypatch.setenv("VIDLIB_WEBHOOK_URL", f"{server.base}/webhook")
    settings.cache_clear()


def test_the_monitor_downloads_allowed_offers_and_names_the_others(server, vidlib, allowed, monkeypatch):
    copy = server.page("/copy.mp4", lambda request: request.file(VIDEO))
    old = {"url": server.base + "/old.mp4", "timestamp": "2020-01-01"}
    records = [{"source_url": "https://fromsmash.com/x", "r2_url": copy, "original_filename": "Film.mp4"}]
    offer(server, monkeypatch, *records, old, {"url": "https://we.tl/t-1"}, {"nothing": 1})
    code, out, err = vidlib("downloads", "monitor", "--once")
    assert (code, out) == (0, "")
    assert "ignored: record 4" in err and "a person must download https://we.tl/… (link-" in err and SHA256 in err
    states = {row["url"]: row["state"] for row in json.loads(vidlib("downloads", "list", "--json")[1])["downloads"]}
    assert states == {"https://fromsmash.com/x": "done", old["url"]: "known", "https://we.tl/t-1": "manual"}
    assert vidlib("downloads", "monitor", "--once")[0] == 0
    assert len(server.ranges("/copy.mp4")) == 1
    assert files_in(allowed.inbox) == ["copy.mp4"]


def test_the_monitor_retries_temporary_failures_later(server, vidlib, allowed, monkeypatch):
    monkeypatch.setenv("VIDLIB_DOWNLOAD_ATTEMPTS", "1")
    url = server.pages_in_turn(
        "/a.mp4", lambda request: request.answer("503 Busy"), lambda request: request.file(VIDEO)
    )
    offer(server, monkeypatch, {"url": url})
    assert vidlib("downloads", "monitor", "--once")[0] == 1
    (row,) = json.loads(vidlib("downloads", "list", "--json")[1])["downloads"]
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    assert vidlib("downloads", "monitor", "--once")[0] == 0  # its time has not come
    with History(allowed.database) as history:
        store.request_state(history, store.key_of(url), "waiting")
    assert vidlib("downloads", "monitor", "--once")[0] == 0
    assert files_in(allowed.inbox) == ["a.mp4"]


@pytest.mark.slow
def test_the_monitor_ends_with_sigterm(server, allowed, monkeypatch):
    offer(server, monkeypatch)
    with Command(["downloads", "monitor"]) as process:
        wait_until(lambda: server.asked)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


@pytest.mark.slow
def test_a_stopped_monitor_continues_its_download_at_the_next_start(server, vidlib, allowed, monkeypatch):
    url = server.pages_in_turn("/film.mp4", hang_after(1_000_000), lambda request: request.file(VIDEO))
    offer(server, monkeypatch, {"url": url})
    with Command(["downloads", "monitor"]) as process:
        wait_until(lambda: arrived(allowed.inbox) >= 900_000)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    (row,) = json.loads(vidlib("downloads", "list", "--json")[1])["downloads"]
    assert (row["state"], row["attempts"], row["bytes_total"]) == ("waiting", 0, len(VIDEO))
    assert vidlib("downloads", "monitor", "--once")[0] == 0
    assert files_in(allowed.inbox) == ["film.mp4"]


def test_a_webhook_that_does_not_answer_is_a_failure(server, vidlib, monkeypatch):
    monkeypatch.setenv("VIDLIB_WEBHOOK_URL", f"{server.base}/nowhere?key=hush")
    settings.cache_clear()
    code, _, err = vidlib("downloads", "monitor", "--once")
    assert (code, "the webhook cannot be read" in err, "hush" in err) == (1, True, False)


def test_links_can_be_added_searched_and_cleaned(vidlib):
    assert vidlib("downloads", "add", LINK, f"{LINK}#again", "https://h.example/b")[1] == "2 new, 1 known already\n"
    assert vidlib("downloads", "search", "OLD", "--json")[1].count(LINK) == 2  # url and original_url
    assert vidlib("downloads", "search", "nowhere")[0] == 1
    assert LINK in "".join(vidlib("downloads", "list", "--state", "known")[1].split())
    vidlib("downloads", "mark", LINK, "waiting")
    assert vidlib("downloads", "mark", handle(LINK), "cancelled")[1] == f"{handle(LINK)} is cancelled\n"
    assert "1 would be removed" in vidlib("downloads", "clean", "--older-than", "0", "--dry-run")[1]
    assert json.loads(vidlib("downloads", "clean", "--older-than", "0", "--json")[1])["removed"] == [LINK]
    assert len(json.loads(vidlib("downloads", "list", "--json")[1])["downloads"]) == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["list", "--state", "dine"], "did you mean 'done'?"),
        (["add", LINK, "--state", "failed"], "known: done, known, manual, waiting"),
        (["mark", LINK, "done"], "cancelled, known, paused, waiting"),
        (["mark", LINK, "paused"], "there is no download"),
        (["mark", "link-000000000000", "paused"], "the history has 0 links"),
        (["import", "nowhere.json"], "nowhere.json is not a file"),
    ],
)
def test_mistakes_are_explained(vidlib, args, says):
    code, _, err = vidlib("downloads", *args)
    assert (code, says in err) == (2, True)


OLD_FORMS = {
    "strings": [LINK, "https://h.example/b.zip"],
    "objects": [{"url": LINK, "timestamp": "2024-01-01 10:00:00"}, {"url": "https://h.example/b.zip"}],
    "urls": {"urls": [LINK, {"url": "https://h.example/b.zip", "timestamp": 1700000000}]},
    "times": {"urls": {LINK: "2024-01-01", "https://h.example/b.zip": 1700000000}},
}


@pytest.mark.parametrize("form", OLD_FORMS)
def test_every_form_of_an_old_history_is_imported_once(vidlib, tmp_path, form):
    file = tmp_path / "download_history.json"
    file.write_text(json.dumps(OLD_FORMS[form]))
    dry = json.loads(vidlib("downloads", "import", file, "--dry-run", "--json")[1])
    assert (dry["new"], dry["backup"]) == (2, None)
    assert json.loads(vidlib("downloads", "list", "--json")[1])["downloads"] == []
    taken = json.loads(vidlib("downloads", "import", file, "--json")[1])
    assert (taken["read"], taken["new"], Path(taken["backup"]).is_file()) == (2, 2, True)
    before = vidlib("downloads", "export")[1]
    again = json.loads(vidlib("downloads", "import", file, "--json")[1])
    assert (again["new"], again["changed"], again["same"], again["backup"]) == (0, 0, 2, None)
    assert vidlib("downloads", "export")[1] == before
    assert {row["state"] for row in json.loads(before)["urls"]} == {"done"}


def test_an_old_database_is_imported_and_its_malformed_entries_are_named(vidlib, tmp_path):
    file = tmp_path / "download_history.sqlite3"
    with sqlite3.connect(file) as old:
        old.execute("CREATE TABLE download_history (url TEXT PRIMARY KEY, timestamp TEXT)")
        rows = [(LINK, "2024-01-01T10:00:00"), (f"{LINK}#x", "2023-01-01T10:00:00"), ("nonsense", "2024-01-01")]
        old.executemany("INSERT INTO download_history VALUES (?, ?)", [*rows, ("https://h.example/b", None)])
    old.close()
    code, out, _ = vidlib("downloads", "import", file)
    assert code == 0
    assert "entry 3: nonsense: expected a link" in out
    assert "3 read: 2 are new, 1 changed, 0 known already" in out
    (row,) = json.loads(vidlib("downloads", "search", "old.zip", "--json")[1])["downloads"]
    assert row["offered_at"] == "2023-01-01T10:00:00+00:00"
    assert "0 are new, 0 changed, 3 known already" in vidlib("downloads", "import", file)[1]


def test_an_export_can_be_imported(vidlib, tmp_path):
    vidlib("downloads", "add", LINK)
    vidlib("downloads", "add", "https://h.example/b", "--state", "manual")
    before = vidlib("downloads", "export")[1]
    assert "2 downloads are in" in vidlib("downloads", "export", tmp_path / "out.json")[1]
    assert json.loads(vidlib("downloads", "import", tmp_path / "out.json", "--json")[1])["same"] == 2
    vidlib("downloads", "import", tmp_path / "out.json", "--workspace", tmp_path / "other")
    assert vidlib("downloads", "export", "--workspace", tmp_path / "other")[1] == before


@pytest.mark.parametrize("content", ["{", '"text"', '{"links": []}', "SQLite format 3\0 broken"])
def test_a_file_that_is_not_a_history_is_refused(vidlib, tmp_path, content):
    (tmp_path / "x.json").write_text(content)
    code, _, err = vidlib("downloads", "import", tmp_path / "x.json")
    assert (code, "expected" in err) == (3, True)


@pytest.mark.parametrize("offered_at", [253402300800.0, -62135596801.0, 1e300])
def test_a_row_with_an_impossible_date_does_not_hide_the_list(vidlib, workspace, offered_at):
    with History(workspace.database) as history:
        store.add_offers(history, [(DownloadOffer(LINK, offered_at), "known")])
    code, out, _ = vidlib("downloads", "list", "--json")
    assert (code, json.loads(out)["downloads"][0]["offered_at"]) == (0, None)
    assert vidlib("downloads", "list")[0] == 0


def test_a_bug_at_one_download_does_not_end_the_monitor(server, vidlib, allowed, monkeypatch):
    fetch, bad = providers.download, f"{server.base}/bad.mp4"

    def buggy(links, *args, **options):
        return 1 / 0 if bad in links else fetch(links, *args, **options)

    monkeypatch.setattr(providers, "download", buggy)
    offer(server, monkeypatch, {"url": bad}, {"url": server.page("/good.mp4", lambda request: request.file(VIDEO))})
    assert vidlib("downloads", "monitor", "--once")[0] == 1
    rows = json.loads(vidlib("downloads", "list", "--json")[1])["downloads"]
    assert {row["url"]: row["state"] for row in rows} == {bad: "failed", f"{server.base}/good.mp4": "done"}
    assert "ZeroDivisionError; this is a bug of vidlib" in "".join(row["error"] or "" for row in rows)
