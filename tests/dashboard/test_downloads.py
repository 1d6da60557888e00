"""What was offered for download, as plain data, of a history that is written here."""

import pytest

from vidlib.dashboard.downloads import DOWNLOADS_SHOWN, MANUAL_SHOWN, download_view, download_views
from vidlib.ingest.offers import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.runner.store.models import Download

HOSTILE = '<img src=x onerror=alert(1)>"\u202e.zip'


def offer(history, name: str, at: float, state: str, **values) -> str:
    """Note a link, and what became of it; its key."""
    link = f"https://h.example/{name}?key=hush"
    store.add_offers(history, [(DownloadOffer(link, at, name=name), state)])
    if values:
        store.record_outcome(history, link, state, **values)
    return store.key_of(link)


def row(**values) -> Download:
    """A row that no webhook could have left, as it was offered."""
    usual = {"key": "1", "url": "", "state": "manual", "bytes_done": 0, "offered_at": 5.0}
    return Download(**(usual | values))


def test_those_for_a_person_stand_first_then_those_that_come_then_the_latest(history):
    offer(history, "person.zip", 1.0, "manual")
    key = offer(history, "coming.zip", 2.0, "waiting")
    assert store.claim(history, key, ["waiting"])
    offer(history, "old.zip", 3.0, "done")
    offer(history, "new.zip", 4.0, "known")
    shown = list(download_views(history))
    assert [view.name for view in shown] == ["person.zip", "coming.zip", "new.zip", "old.zip"]
    assert [view.action for view in shown] == ["Close", None, "Download", None]


def test_at_most_twenty_are_shown_and_not_only_those_for_a_person(history):
    for number in range(30):
        offer(history, f"person-{number}.zip", number, "manual")
        offer(history, f"done-{number}.zip", number, "done")
    shown = list(download_views(history))
    assert len(shown) == DOWNLOADS_SHOWN
    assert [view.state for view in shown].count("manual") == MANUAL_SHOWN
    assert shown[0].name == "person-29.zip"


def test_what_comes_says_how_much_and_how_fast(history):
    key = offer(history, "film.zip", 1.0, "waiting")
    store.claim(history, key, ["waiting"])
    (view,) = download_views(history)
    assert (view.state, view.bytes_done, view.bytes_total) == ("downloading", 0, None)
    store.heartbeat(history, key, bytes_done=1_000_000, bytes_total=4_000_000, rate=250_000.0)
    (view,) = download_views(history)
    assert (view.bytes_done, view.bytes_total, view.rate) == (1_000_000, 4_000_000, 250_000.0)


def test_a_failure_says_why_and_what_came_says_what_it_became(history):
    offer(history, "a.zip", 2.0, "failed", error="a.zip answered\n404")
    offer(history, "b.zip", 1.0, "done", file="/inbox/b-2.zip", sha256="ab", bytes_done=5_000, error="once")
    history.remember_project("ab", "b", "/inbox/b-2.zip")
    failed, done = download_views(history)
    assert failed.note == "a.zip answered | 404"
    assert (done.name, done.note) == ("b-2.zip", "")
    assert (done.bytes_done, done.project) == (5_000, "b")
    assert done.ended_at


def test_parameters_that_open_a_file_for_anybody_are_not_shown_but_in_the_link_to_open(history):
    offer(history, "person.zip", 1.0, "manual")
    (view,) = download_views(history)
    assert view.link == "https://h.example/person.zip?…"
    assert view.url == "https://h.example/person.zip?key=hush"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", "https://bank.example@evil.example/", "//h.example", "x", ""]
)
def test_only_links_of_the_web_can_be_opened(link):
    assert download_view(row(original_url=link)).url is None


def test_a_link_to_open_keeps_the_key_behind_it_and_no_quotes():
    view = download_view(row(original_url='https://mega.nz/file/1?a=1&amp;b=2#k<e>"y'))
    assert view.url == "https://mega.nz/file/1?a=1&b=2#k%3Ce%3E%22y"


def test_a_name_from_outside_is_readable():
    view = download_view(row(original_url="https://h.example/x", name=HOSTILE, error="a\u202eb"))
    assert "\u202e" not in view.name + view.note
