"""Downloads from a real server on this machine, one fault after the other. Time is an argument: no test waits."""

import io
import json
import os
import zipfile

import pytest

from tests.ingest import faulty_server
from tests.ingest.fetching import POLICY, RULES, Time, left_in, sha256
from vidlib.errors import Cancelled, DownloadFailed
from vidlib.ingest import fetch as fetching
from vidlib.ingest import parts
from vidlib.ingest.arrivals import may_be_delivery
from vidlib.ingest.fetch import DownloadedFile, DownloadRules, file_name


def test_a_file_arrives_whole_under_its_name(server, archive, inbox, get):
    said = []
    url = server.page("/film%201.zip", lambda request: request.file(archive))
    fetched = get(url + "?key=x", report=lambda done, total: said.append((done, total)))
    assert fetched == DownloadedFile(inbox / "film 1.zip", len(archive), sha256(archive))
    assert fetched.path.read_bytes() == archive
    assert said[-1] == (len(archive), len(archive))
    assert left_in(inbox) == ["film 1.zip"]


def test_the_servers_name_wins_and_is_made_safe(server, archive, inbox, get):
    named = "attachment; filename*=UTF-8''..%2F..%2Fetc%2FVid%C3%A9o%20%3A1.zip"
    url = server.page("/x", lambda request: request.file(archive, content_disposition=named))
    assert get(url).path == inbox / "Vidéo _1.zip"


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_replaced(server, archive, inbox, get):
    inbox.mkdir()
    (inbox / "a.zip").write_text("mine")
    url = server.page("/a.zip", lambda request: request.file(archive))
    assert get(url).path == inbox / "a-2.zip"
    assert (inbox / "a.zip").read_text() == "mine"


def test_a_file_system_without_hard_links_will_do(server, archive, inbox, get, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    inbox.mkdir()
    (inbox / "a.zip").write_text("mine")
    url = server.page("/a.zip", lambda request: request.file(archive))
    assert get(url).path.read_bytes() == archive
    assert left_in(inbox) == ["a-2.zip", "a.zip"]


def test_a_broken_connection_continues_where_it_broke(server, archive, get):
    cuts = [100_000, 200_000, None]
    url = server.pages_in_turn("/a.zip", *(lambda request, cut=cut: request.file(archive, upto=cut) for cut in cuts))
    time = Time()
    assert get(url, time=time).sha256 == sha256(archive)
    assert server.ranges("/a.zip") == [None, "bytes=100000-", "bytes=200000-"]
    assert server.asked[1].headers["if-range"] == '"one"'
    assert time.paused == [1.0, 1.0]  # each attempt brought something


def test_a_server_that_ignores_ranges_sends_the_whole_file_again(server, archive, get):
    def whole(request, upto=None):
        request.head("200 OK", content_length=len(archive), etag='"one"')
        request.send(archive[:upto])

    url = server.pages_in_turn("/a.zip", lambda request: whole(request, 1000), whole)
    assert get(url).sha256 == sha256(archive)


def test_a_file_that_changed_between_two_parts_is_asked_for_anew(server, archive, get):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("other.mp4", os.urandom(300_000))
    other = packed.getvalue()
    url = server.pages_in_turn(
        "/a.zip", lambda request: request.file(archive, upto=1000), lambda request: request.file(other, etag='"two"')
    )
    assert get(url).sha256 == sha256(other)


def test_a_server_that_continues_another_file_is_detected(server, archive, get):
    """It ignores If-Range, and answers 206 with the rest of what is there now."""

    def rest_of_another(request):
        where = f"bytes {request.range_start}-{len(archive) - 1}/{len(archive)}"
        request.head("206 Partial Content", content_range=where, content_length=10, etag='"two"')
        request.send(b"0123456789")

    url = server.pages_in_turn(
        "/a.zip",
        lambda request: request.file(archive, upto=1000),
        rest_of_another,
        lambda request: request.file(archive, etag='"two"'),
    )
    assert get(url).sha256 == sha256(archive)
    assert server.ranges("/a.zip") == [None, "bytes=1000-", None]


@pytest.mark.parametrize("where", ["bytes 999-1999/300122", "bytes 1000-1999/7", "nonsense"])
def test_a_range_that_does_not_fit_is_not_appended(server, archive, get, where):
    def misfit(request):
        request.head("206 Partial Content", content_range=where, content_length=10, etag='"one"')
        request.send(b"0123456789")

    url = server.pages_in_turn(
        "/a.zip", lambda request: request.file(archive, upto=1000), misfit, lambda request: request.file(archive)
    )
    assert get(url).sha256 == sha256(archive)


def test_without_a_validator_the_whole_file_is_requested_again(server, archive, get):
    def anonymous(request, upto=None):
        request.head("200 OK", content_length=len(archive))
        request.send(archive[:upto])

    url = server.pages_in_turn("/a.zip", lambda request: anonymous(request, 1000), anonymous)
    assert get(url).sha256 == sha256(archive)
    assert server.ranges("/a.zip") == [None, None]


def test_a_download_of_an_earlier_process_continues_with_the_whole_checksum(server, archive, inbox, get):
    url = server.pages_in_turn(
        "/a.zip", lambda request: request.file(archive, upto=100_000), lambda request: request.file(archive)
    )
    with pytest.raises(DownloadFailed, match=r"peer closed|bytes came"):
        get(url, rules=DownloadRules(policy=POLICY, free_bytes=0, attempts=0))
    assert any(name.endswith(".part") for name in left_in(inbox))
    fetched = get(url)
    assert (fetched.sha256, fetched.resumed_at) == (sha256(archive), 100_000)
    assert left_in(inbox) == ["a.zip"]


def test_after_a_power_cut_only_synced_bytes_count(server, archive, inbox, get, monkeypatch):
    monkeypatch.setattr(fetching, "SYNC_BYTES", 1)
    url = server.pages_in_turn(
        "/a.zip", lambda request: request.file(archive, upto=100_000), lambda request: request.file(archive)
    )
    with pytest.raises(DownloadFailed):
        get(url, rules=DownloadRules(policy=POLICY, free_bytes=0, attempts=0))
    (note,) = inbox.glob(".*.json")
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "synced": 50_000}))
    monkeypatch.setattr(parts, "_boot_id", lambda: "another")
    assert (get(url).sha256, server.ranges("/a.zip")) == (sha256(archive), [None, "bytes=50000-"])


@pytest.mark.parametrize("note", ["", "{}", "[1]", '{"about": 1}', '{"about": {"x": 1}, "synced": 1, "boot": "b"}'])
def test_a_damaged_info_file_costs_only_the_partial_file(server, archive, inbox, get, note):
    url = server.page("/a.zip", lambda request: request.file(archive))
    inbox.mkdir()
    part = inbox / parts.part_name(url)
    part.write_bytes(b"something")
    (inbox / f".{part.name}.json").write_text(note)
    assert get(url).sha256 == sha256(archive)


def test_a_complete_partial_file_needs_no_more_bytes(server, archive, inbox, get):
    """It was cut off between the last byte and the name."""
    url = server.pages_in_turn("/a.zip", lambda request: request.file(archive))
    with parts.open_part(inbox, url) as part:
        part.restart(parts.RemoteInfo(url, etag='"one"', total=len(archive)))
        part.write(archive)
        part.sync()
    assert get(url).sha256 == sha256(archive)


@pytest.mark.parametrize("digits", ["9" * 5000, "²"])
def test_a_hostile_content_range_restarts_the_download(server, archive, inbox, get, digits):
    """Python refuses to read a number of 5000 digits, and ``²`` is a digit but no number."""

    def lie(request):
        request.head("206 Partial Content", content_range=f"bytes {digits}-9/10", content_length=10, etag='"one"')

    whole = lambda request: request.file(archive)  # noqa: E731
    url = server.pages_in_turn("/a.zip", lambda request: request.file(archive, upto=100_000), lie, whole)
    assert get(url).sha256 == sha256(archive)
    assert server.ranges("/a.zip") == [None, "bytes=100000-", None]


def test_a_killed_process_would_leave_all_that_arrived(archive, inbox):
    with parts.open_part(inbox, "https://example.org/a.zip") as part:
        part.write(archive[:1000])
        assert part.path.read_bytes() == archive[:1000]


def test_two_processes_do_not_write_one_partial_file(server, archive, inbox, get):
    url = server.page("/a.zip", lambda request: request.file(archive))
    with parts.open_part(inbox, url), pytest.raises(DownloadFailed, match="another process downloads it now"):
        get(url)


def test_a_length_that_is_wrong_is_a_failure_with_both_numbers(server, archive, get):
    def too_short(request):
        request.head("200 OK", content_length=len(archive) + 10)
        request.send(archive)

    with pytest.raises(DownloadFailed, match=f"{len(archive)}.* {len(archive) + 10}"):
        get(server.page("/a.zip", too_short))
    assert len(server.asked) == RULES.attempts + 1


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_retry_after_is_obeyed(server, archive, get, status):
    busy = lambda request: request.answer(status, retry_after=17)  # noqa: E731
    dated = lambda request: request.answer(status, retry_after="Thu, 01 Jan 1970 00:01:00 GMT")  # noqa: E731
    url = server.pages_in_turn("/a.zip", busy, dated, lambda request: request.file(archive))
    time = Time()
    assert get(url, time=time).sha256 == sha256(archive)
    assert time.paused == [17 + 2.0, 60 + 4.0]


def test_a_server_that_asks_for_a_day_is_not_waited_for(server, get):
    url = server.page("/a.zip", lambda request: request.answer("503 Service Unavailable", retry_after=86400))
    with pytest.raises(DownloadFailed, match="asks for a pause of 86400 s"):
        get(url)
    assert len(server.asked) == 1


def test_pauses_grow_and_are_not_the_same_for_everybody(server, get):
    url = server.page("/a.zip", lambda request: request.answer("500 Oops"))
    time = Time()
    with pytest.raises(DownloadFailed, match="answered 500: Oops"):
        get(url, time=time)
    assert time.paused == [2.0, 4.0, 8.0, 16.0, 32.0]  # halves: the jitter of these tests is none


def test_a_link_under_the_partial_name_is_not_followed(server, archive, inbox, tmp_path, get):
    url = server.page("/a.zip", lambda request: request.file(archive))
    victim = tmp_path / "victim"
    victim.write_text("mine")
    inbox.mkdir()
    part = inbox / parts.part_name(url)
    part.symlink_to(victim)
    part.with_name(f".{part.name}.json").symlink_to(victim)
    assert get(url).path.read_bytes() == archive
    part.hardlink_to(victim)
    assert get(url).path.read_bytes() == archive
    os.mkfifo(part)
    assert get(url).path.read_bytes() == archive
    assert victim.read_text() == "mine"


def test_a_partial_file_that_no_server_can_continue_is_not_kept(server, archive, inbox, get):
    url = server.page("/a.zip", lambda request: request.file(archive, etag='W/"weak"', upto=1000))
    with pytest.raises(DownloadFailed):
        get(url)
    assert left_in(inbox) == []


def test_stopping_keeps_the_partial_file(server, archive, inbox, get):
    time = Time()

    def hang_in_the_middle(request):
        request.head("200 OK", content_length=len(archive), etag='"one"')
        request.send(archive[:1000])
        request.closing.wait()

    url = server.pages_in_turn("/a.zip", hang_in_the_middle, lambda request: request.file(archive))
    with pytest.raises(Cancelled, match="what arrived is kept"):
        get(url, time=time, report=lambda done, total: done < 1000 or time.stop.set())
    time.stop.clear()
    kept = sum(path.stat().st_size for path in inbox.glob("*.part"))
    assert (get(url).sha256, kept) == (sha256(archive), 1000)


@pytest.mark.parametrize(("given", "name"), [("film.zip.part", "film.zip"), ("~film.zip", "_film.zip")])
def test_no_name_of_a_server_hides_a_file_from_the_inbox(server, archive, inbox, get, given, name):
    named = f'attachment; filename="{given}"'
    assert get(server.page("/x", lambda r: r.file(archive, content_disposition=named))).path == inbox / name
    assert may_be_delivery(name)


def test_a_file_without_a_length_arrives(server, archive, get):
    def chunked(request):
        request.head("200 OK", transfer_encoding="chunked")
        request.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(archive), archive))

    assert get(server.page("/a.zip", chunked)).sha256 == sha256(archive)


def test_redirects_are_followed_to_the_file(server, archive, inbox, get):
    server.page("/real.zip", lambda request: request.file(archive))
    server.page("/second", faulty_server.redirect("real.zip", "307 Temporary Redirect"))
    assert get(server.page("/first", faulty_server.redirect("/second"))).sha256 == sha256(archive)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="a b.zip"', "a b.zip"),
        ("attachment; filename=a.zip", "a.zip"),
        (r'attachment; filename="a \"b\".zip"', 'a "b".zip'),
        ("attachment; filename*=UTF-8''%e2%82%ac%20rates.zip; filename=old.zip", "€ rates.zip"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates.zip", "£ rates.zip"),
        ("attachment; filename*=broken%20name.zip", "broken name.zip"),
        ("attachment; filename*=koi8'x'%ff.zip", "\ufffd.zip"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\dir\\\\a.zip"', "a.zip"),
        ('attachment; filename="a;b.zip"', "a;b.zip"),
        ('attachment; filename="=?UTF-8?B?TcO8bGxlci56aXA=?="', "Müller.zip"),
        ('attachment; filename="=?koi9?B?TcO8?="', "=?koi9?B?TcO8?="),
        ("attachment", None),
        ("", None),
        ('attachment; filename=""', None),
    ],
)
def test_the_name_in_a_content_disposition(header, name):
    assert file_name(header) == name
