"""Downloads in the history: one row a link, from any source, however it is spelled, at whatever moment."""

import time
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from tests.runner.downloads import offering
from tests.runner.processes import at_once
from vidlib.errors import RefusedInput, UsageError
from vidlib.ingest.offers import DownloadOffer
from vidlib.runner.downloads import store
from vidlib.runner.downloads.store import OfferCounts
from vidlib.runner.store import database, identity
from vidlib.runner.store.models import Download
from vidlib.runner.store.runs import History

LINK = "https://files.example.org/jobs/film.zip?id=7"
N_PROCESSES = 6


def offered(*links: str, at: float = 100.0, state: str = "known"):
    return [(DownloadOffer(link, at), state) for link in links]


def state_of(history: History, link: str = LINK) -> str:
    return store.find(history, link).state


def test_every_spelling_of_a_link_is_one_row_with_the_earliest_time(url):
    with History(url) as history:
        assert store.add_offers(history, offered(LINK, at=100.0)) == OfferCounts(new=1)
        same = " https://FILES.example.org:443//jobs/%66ilm.zip?amp%3Bid=7&amp;id=7#x "
        assert store.add_offers(history, offered(same, at=50.0, state="waiting")) == OfferCounts(changed=1)
        assert store.add_offers(history, offered(LINK, at=70.0)) == OfferCounts(same=1)
        ((row, _),) = store.search(history)
        assert (row.url, row.original_url, row.offered_at, row.state) == (LINK, LINK, 50.0, "known")


def test_a_copy_and_its_source_are_one_download(url):
    copy = "https://r2.example/film.zip"
    with History(url) as history:
        store.add_offers(history, offered(LINK))
        assert store.add_offers(history, [(DownloadOffer(LINK, 100.0, copy, "Film.zip"), "waiting")]) == OfferCounts(
            changed=1
        )
        assert store.add_offers(history, offered(copy, at=9.0)) == OfferCounts(changed=1)
        row = store.find(history, copy)
        assert (row.links, row.name, row.offered_at) == ((copy, LINK), "Film.zip", 9.0)
        assert store.count(history) == 1


def test_a_link_whose_copy_is_known_is_not_a_new_offer(url):
    copy = "https://r2.example/film.zip"
    with History(url) as history:
        store.add_offers(history, offered(copy, state="done"))
        assert store.add_offers(history, [(DownloadOffer(LINK, 100.0, copy), "waiting")]) == OfferCounts(same=1)
        assert [row.state for row, _ in store.search(history)] == ["done"]


def test_a_dry_run_counts_and_changes_nothing(url):
    with History(url) as history:
        store.add_offers(history, offered(LINK))
        offers = [*offered(LINK, at=1.0), *offered("https://h.example/b")]
        assert store.add_offers(history, offers, dry_run=True) == OfferCounts(new=1, changed=1)
        assert store.count(history) == 1
        assert store.add_offers(history, offers) == OfferCounts(new=1, changed=1)


def test_an_invalid_link_is_refused_with_the_whole_list(url):
    with History(url) as history:
        with pytest.raises(RefusedInput, match="expected a link"):
            store.add_offers(history, offered(LINK, "nonsense"))
        assert store.count(history) == 0


@pytest.mark.slow
def test_many_processes_offer_the_same_links_at_once_and_make_one_row_of_each(url):
    with History(url) as history:
        at_once(N_PROCESSES, offering.offer_all, url)
        rows = [row for row, _ in store.search(history)]
        assert (len(rows), {row.offered_at for row in rows}) == (offering.N_LINKS, {1000.0 - (N_PROCESSES - 1)})


@pytest.mark.slow
def test_many_processes_claim_every_download_once(url, tmp_path):
    (tmp_path / "taken").mkdir()
    with History(url) as history:
        store.add_offers(history, offered(*(f"https://h.example/{n}" for n in range(20)), state="waiting"))
        at_once(4, offering.take_all, url, str(tmp_path / "taken"))
        done = {row.key for row, _ in store.search(history, states=["done"])}
        assert {path.name for path in (tmp_path / "taken").iterdir()} == done
        assert len(done) == 20


def test_a_download_goes_from_hand_to_hand(url):
    with History(url) as history:
        store.add_offers(history, offered(LINK, state="waiting"))
        row = store.next_waiting(history, now=0.0)
        assert store.claim(history, row.key, ["waiting"]).attempts == 1
        assert store.claim(history, row.key, ["waiting"]) is None
        assert store.next_waiting(history, now=0.0) is None
        assert store.heartbeat(history, row.key, bytes_done=5, bytes_total=10**13, rate=2.5) is None
        assert store.finish(history, row.key, "failed", error="it broke", not_before=50.0)
        assert not store.finish(history, row.key, "done")
        assert store.heartbeat(history, row.key) == "lost"
        (known, _) = store.search(history)[0]
        assert (known.state, known.error, known.bytes_done, known.bytes_total) == ("failed", "it broke", 5, 10**13)
        assert store.request_state(history, row.key, "waiting") == "waiting"
        assert store.next_waiting(history, now=0.0).key == row.key


def test_a_running_download_learns_of_a_request_at_its_heartbeat(url):
    with History(url) as history:
        store.add_offers(history, offered(LINK, state="waiting"))
        key = store.claim(history, store.key_of(LINK), ["waiting"]).key
        assert store.request_state(history, key, "paused") == "downloading"
        assert store.heartbeat(history, key) == "paused"
        store.finish(history, key, "paused")
        assert store.request_state(history, key, "cancelled") == "cancelled"
        with pytest.raises(UsageError, match="is cancelled; expected a download that is waiting"):
            store.request_state(history, key, "paused")
        with pytest.raises(UsageError, match="there is no download"):
            store.request_state(history, "nothing", "paused")


def test_a_manual_download_can_be_closed_but_not_paused(url):
    with History(url) as history:
        store.add_offers(history, offered(LINK, state="manual"))
        key = store.key_of(LINK)
        with pytest.raises(UsageError, match="is manual; expected"):
            store.request_state(history, key, "paused")
        assert store.request_state(history, key, "known") == "known"


def test_the_download_of_a_dead_process_waits_again(url):
    host, place, _, start = identity.this_process().split("/")
    with History(url) as history:
        store.add_offers(history, offered(LINK, state="waiting"))
        key = store.claim(history, store.key_of(LINK), ["waiting"]).key
        assert store.requeue_lost(history) == []
        with history.writing() as session:
            session.get(Download, key).worker = f"{host}/{place}/{2**22 + 1}/{start}"
        assert store.requeue_lost(history) == [key]
        assert state_of(history) == "waiting"


def test_the_same_bytes_under_another_link_are_found(url, tmp_path):
    other = "https://h.example/again.zip"
    (tmp_path / "film.zip").write_text("x")
    with History(url) as history:
        store.add_offers(history, offered(LINK, other, state="waiting"))
        for link in (LINK, other):
            key = store.claim(history, store.key_of(link), ["waiting"]).key
            store.finish(history, key, "done", sha256="ab" * 32, file=str(tmp_path / "film.zip"))
        assert store.find_same_content(history, "ab" * 32, but=key).url == LINK
        (tmp_path / "film.zip").unlink()
        assert store.find_same_content(history, "ab" * 32, but=key) is None


def test_downloads_are_found_by_any_part_and_named_with_their_project(url):
    with History(url) as history:
        store.add_offers(history, offered(LINK, "https://h.example/100%25_done.zip"))
        with history.writing() as session:
            session.get(Download, store.key_of(LINK)).sha256 = "ab" * 32
        history.remember_project("ab" * 32, "Rushes", Path("film.zip"))
        assert [(row.url, project) for row, project in store.search(history, "FILM")] == [(LINK, "Rushes")]
        assert [row.url for row, _ in store.search(history, "rushes")] == [LINK]
        assert [row.url for row, _ in store.search(history, "abab")] == [LINK]
        assert [row.url for row, _ in store.search(history, "100%")] == ["https://h.example/100%25_done.zip"]
        assert store.search(history, "%d_ne") == []
        assert len(store.search(history, limit=1)) == 1


def test_old_failures_are_pruned_and_finished_downloads_stay(url):
    with History(url) as history:
        links = {state: f"https://h.example/{state}" for state in store.STATES}
        for state, link in links.items():
            store.add_offers(history, offered(link, at=10.0, state=state))
        assert {row.state for row in store.prune(history, before=20.0)} == {"failed", "cancelled"}
        assert store.prune(history, before=time.time()) == []
        assert store.count(history) == len(store.STATES) - 2


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_a_history_of_every_earlier_version_accepts_downloads(url, version):
    database.open_engine(url).dispose()
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
    config.attributes["url"] = url
    command.upgrade(config, version)
    engine = database.open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO projects VALUES ('ab', 'Rushes', 'film.zip', 1.0)")
    engine.dispose()
    with History(url) as history:
        assert store.add_offers(history, offered(LINK)) == OfferCounts(new=1)
        with history.writing() as session:
            session.get(Download, store.key_of(LINK)).sha256 = "ab"
        assert [project for _, project in store.search(history)] == ["Rushes"]


def test_the_newest_migration_is_the_revision_of_the_code():
    names = sorted(path.stem for path in (Path(database.__file__).parent / "migrations" / "versions").glob("*.py"))
    assert names[-1].split("_")[0] == database.REVISION


def test_many_offers_are_added_in_small_transactions_and_counted_as_one_list(url, monkeypatch):
    monkeypatch.setattr(store, "BATCH", 3)
    links = [f"https://h.example/{n % 7}" for n in range(20)]
    with History(url) as history:
        assert store.add_offers(history, offered(*links), dry_run=True) == OfferCounts(new=7, same=13)
        assert store.add_offers(history, offered(*links)) == OfferCounts(new=7, same=13)


def test_a_link_known_as_itself_and_as_a_copy_is_found_as_itself(url):
    copy = "https://r2.example/film.zip"
    with History(url) as history:
        store.add_offers(history, offered(copy, at=50.0))
        with history.writing() as session:
            session.add(Download(key="k", url="u", original_url="u", provider="https", offered_at=1.0, state="known"))
            session.flush()
            session.get(Download, "k").proxy_key = store.key_of(copy)
        assert store.add_offers(history, offered(copy, at=20.0)) == OfferCounts(changed=1)
        assert store.find(history, copy).offered_at == 20.0
