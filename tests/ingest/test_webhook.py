"""What the webhook offers, from a server of this machine."""

import itertools
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest import faulty_server
from tests.texts import ANY_CHARACTER
from vidlib.errors import Cancelled, DownloadFailed, RefusedInput, SettingError, UnknownName
from vidlib.ingest import webhook as webhook_module
from vidlib.ingest.fetch import Timing
from vidlib.ingest.offers import DownloadOffer
from vidlib.ingest.webhook import AutoDownloadRule, Webhook, parse_offer, parse_offers, parse_time
from vidlib.runner.downloads import store
from vidlib.runner.store.runs import History
from vidlib.settings import load

NOW = 1_800_000_000.0
DAY = 86400.0
OLD = {"url": "https://h.example/a.zip", "timestamp": "2026-01-31 12:00:00", "source": "mail", "url_type": "file"}
NEW = {
    "source_url": "https://www.dropbox.com/scl/fi/x/b.zip?dl=0",
    "r2_url": "https://r2.example/b.zip",
    "provider": "dropbox",
    "created_at": "2026-01-31T12:00:00Z",
    "original_filename": "Rushes.zip",
}


@pytest.fixture
def webhook(server, monkeypatch, workspace) -> Webhook:
    monkeypatch.setenv("VIDLIB_WEBHOOK_URL", f"{server.base}/list?key=hush")
    monkeypatch.setenv("VIDLIB_WEBHOOK_TOKEN", "token-of-ours")
    return Webhook.from_settings(load())


def listing(*records: object, status: str = "200 OK", **headers: object):
    return lambda request: request.answer(status, json.dumps(records).encode(), **headers)


def test_old_and_new_records_are_read():
    old, new = (parse_offer(record, NOW) for record in (OLD, NEW))
    assert old == DownloadOffer("https://h.example/a.zip", 1769860800.0)
    assert new == DownloadOffer(NEW["source_url"], 1769860800.0, NEW["r2_url"], "Rushes.zip")
    assert new.links == (NEW["r2_url"], NEW["source_url"])
    assert (old.provider, new.provider) == ("https", "dropbox")


def test_a_copy_without_a_source_is_an_offer_and_a_record_without_a_time_is_of_now():
    assert parse_offer({"r2_url": "https://r2.example/b.zip"}, NOW) == DownloadOffer("https://r2.example/b.zip", NOW)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (None, "expected an object, got None"),
        ("https://h.example/a.zip", "expected an object"),
        ({}, r"expected source_url, url or r2_url, got \[\]"),
        ({"url": ""}, "expected source_url"),
        ({"url": 7}, "url: expected text, got 7"),
        ({"url": "ftp://h.example/a"}, "begins with https"),
        ({**NEW, "r2_url": "javascript:alert(1)"}, "begins with https"),
        ({**OLD, "timestamp": "yesterday"}, "expected a time such as"),
        ({**OLD, "timestamp": -1}, "expected a time such as"),
        ({**OLD, "timestamp": True}, "expected a time such as"),
        ({**OLD, "timestamp": "0001-01-01"}, "expected a time such as"),
        ({**OLD, "timestamp": "9999-12-31T23:59:59-12:00"}, "expected a time such as"),
        ({**OLD, "timestamp": "9" * 5000}, "expected a time such as"),
        ({**OLD, "timestamp": 9e13}, "expected a time such as"),
        ({"url": "https://h.example/\ud800.zip"}, "unpaired surrogates"),
        ({"url": "https://h.example/a.zip\0"}, "without NUL"),
        ({**NEW, "original_filename": "\udfff.mp4"}, "unpaired surrogates"),
        ({"\ud800": 1}, "expected source_url"),
        ([["https://h.example/?key=hush"]], "got list with a link"),
        ({**NEW, "original_filename": ["x"]}, "original_filename: expected text"),
    ],
)
def test_a_malformed_record_is_named_and_the_others_are_taken(record, why):
    with pytest.raises(RefusedInput, match=why):
        parse_offer(record, NOW)
    offers, (problem,) = parse_offers([OLD, record, NEW], NOW)
    assert [offer.link for offer in offers] == [OLD["url"], NEW["source_url"]]
    assert problem.startswith("record 2: ")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(ANY_CHARACTER, max_size=10)
    | st.just("https://h.example/a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OLD, *NEW, "x"]), inner, max_size=5),
)


@given(st.lists(json_values, max_size=5))
def test_every_record_is_an_offer_or_a_problem(document):
    offers, problems = parse_offers(document, NOW)
    assert len(offers) + len(problems) == len(document)


@pytest.mark.parametrize(
    ("when", "seconds"),
    [(5, 5.0), ("5", 5.0), ("1700000000.5", 1700000000.5), (1.7e12, 1.7e9), ("2026-01-31T13:00+01:00", 1769860800.0)],
)
def test_a_time_is_read_in_every_form(when, seconds):
    assert parse_time(when) == seconds


def test_the_webhook_gets_the_token_and_sends_only_changes(server, webhook):
    pages = [
        listing(OLD, etag='"1"'),
        lambda request: request.answer("304 Not Modified"),
        listing(OLD, NEW, etag='"2"'),
    ]
    server.pages_in_turn("/list", *pages)
    assert [len(webhook.offers()[0]) for _ in range(3)] == [1, 1, 2]
    assert server.asked[0].headers["authorization"] == "Bearer token-of-ours"
    assert [request.headers.get("if-none-match") for request in server.asked] == [None, '"1"', '"1"']


def test_another_process_uses_the_same_memory(server, webhook, workspace):
    server.pages_in_turn("/list", listing(OLD, last_modified="Sat, 31 Jan 2026 12:00:00 GMT"), listing(OLD))
    webhook.offers()
    Webhook.from_settings(load()).offers()
    assert server.asked[1].headers["if-modified-since"] == "Sat, 31 Jan 2026 12:00:00 GMT"
    assert "hush" not in webhook.cache.read_text()


@pytest.mark.parametrize("kept", ["", "[]", '{"of": 1}', "{"])
def test_a_damaged_memory_is_no_memory(server, webhook, kept):
    webhook.cache.parent.mkdir(parents=True)
    webhook.cache.write_text(kept)
    server.page("/list", listing(OLD, etag='"1"'))
    assert len(webhook.offers()[0]) == 1


def test_a_webhook_that_fails_is_asked_less_and_less_often(server, webhook):
    server.pages_in_turn("/list", *[listing(status="500 Oops")] * 4, listing(OLD))
    paused = []
    for _ in range(4):
        with pytest.raises(DownloadFailed, match=r"the webhook cannot be read: .*answered 500") as raised:
            webhook.offers()
        assert "hush" not in str(raised.value)
        paused.append(webhook.pause_s())
    assert paused == [600, 1200, 2400, 3600]
    webhook.offers()
    assert webhook.pause_s() == 300


@pytest.mark.parametrize(("asked_s", "pause_s"), [(5000, 5000), (10**8, 86400), ("9" * 400, 86400)])
def test_the_retry_after_of_the_webhook_is_obeyed_up_to_a_day(server, webhook, asked_s, pause_s):
    """A wait of 10^400 seconds would be an OverflowError in the loop of the monitor."""
    server.page("/list", listing(status="429 Slow down", retry_after=asked_s))
    with pytest.raises(DownloadFailed):
        webhook.offers()
    assert webhook.pause_s() == pause_s


def test_a_slow_webhook_fails_and_a_stop_ends_it(server, webhook):
    ticks = itertools.count()
    server.page("/list", faulty_server.drip)
    with pytest.raises(DownloadFailed, match="no complete answer in 120 s"):
        webhook.offers(timing=Timing(clock=lambda: float(next(ticks))))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        webhook.offers(timing=Timing(stop=stop))


@pytest.mark.parametrize("body", [b"<html>", b'{"urls": []}', b"[" * 100_000])
def test_an_answer_that_is_no_list_is_a_failure(server, webhook, body):
    server.page("/list", lambda request: request.answer(body=body))
    with pytest.raises(DownloadFailed, match="expected"):
        webhook.offers()


def test_without_an_address_the_setting_is_named(workspace, monkeypatch):
    with pytest.raises(SettingError, match="VIDLIB_WEBHOOK_URL is not set"):
        Webhook.from_settings(load())
    monkeypatch.setenv("VIDLIB_WEBHOOK_URL", "hush")
    with pytest.raises(SettingError, match="VIDLIB_WEBHOOK_URL") as raised:
        Webhook.from_settings(load())
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("offer", "matches"),
    [
        (DownloadOffer("https://h.example/a.zip", NOW), True),
        (DownloadOffer("https://h.example/a.zip", NOW - 8 * DAY), False),
        (DownloadOffer("https://h.example/a.mp3", NOW), False),
        (DownloadOffer("https://h.example/x?1", NOW, name="A.ZIP"), True),
        (DownloadOffer("https://fromsmash.com/a.zip", NOW), False),
        (DownloadOffer("https://we.tl/a.zip", NOW), False),
        (DownloadOffer("https://we.tl/a.zip", NOW, "https://r2.example/a.zip"), True),
    ],
)
def test_the_rule_selects_the_offers_that_are_downloaded_automatically(offer, matches):
    assert AutoDownloadRule(frozenset({"https", "dropbox"}), ("*.zip", "*.mp4"), 7 * DAY).matches(offer, NOW) == matches


def test_the_rule_is_made_of_settings_and_a_provider_that_does_not_exist_is_named():
    rule = AutoDownloadRule.from_settings(
        load(monitor_providers="dropbox, https", monitor_names="*.zip", monitor_max_age_days=2)
    )
    assert rule == AutoDownloadRule(frozenset({"dropbox", "https"}), ("*.zip",), 2 * DAY)
    with pytest.raises(UnknownName, match="did you mean 'dropbox'"):
        AutoDownloadRule.from_settings(load(monitor_providers="dropboks"))


HOSTILE = [
    r'{"url": "https://h.example/\ud800.zip"}',
    '{"url": "https://h.example/b.zip", "timestamp": %s}' % ("9" * 5000),
    '{"url": "https://h.example/c.zip", "timestamp": 1e999}',
    '{"url": "https://h.example/d.zip", "timestamp": NaN}',
    '{"url": "https://h.example/%s"}' % ("%" * 4000),
    '{"%s": 1}' % ("x" * 100_000),
    "[" * 500 + "]" * 500,
]


@pytest.mark.parametrize("record", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_record_hides_no_other(server, webhook, workspace, record):
    body = f"[{record}, {json.dumps(OLD)}]".encode()
    first = lambda request: request.answer(body=body, etag='"1"')  # noqa: E731
    server.pages_in_turn("/list", first, lambda request: request.answer("304 Not Modified"))
    for _ in range(2):
        offers, problems = webhook.offers()
        assert "https://h.example/a.zip" in [offer.link for offer in offers]
        assert len(offers) + len(problems) == 2
        "".join(problems).encode()
    with History(workspace.database) as history:
        assert store.add_offers(history, [(offer, "known") for offer in offers]).new == len(offers)


def test_a_bug_at_one_record_is_the_failure_of_that_record(monkeypatch):
    read = webhook_module.parse_offer
    monkeypatch.setattr(webhook_module, "parse_offer", lambda record, now: read(record, now) if record else 1 / 0)
    offers, problems = parse_offers([OLD, 0, OLD], NOW)
    assert (len(offers), problems) == (2, ["record 2: ZeroDivisionError; this is a bug of vidlib"])


def test_a_webhook_that_redirects_to_this_network_does_not_end_the_monitor(server, webhook):
    server.page("/list", lambda request: request.answer("302 Found", location="http://10.0.0.1/"))
    with pytest.raises(DownloadFailed, match="the webhook cannot be read"):
        webhook.offers()
