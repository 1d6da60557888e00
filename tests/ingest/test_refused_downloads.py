"""What a server may not do, and how far it may go: the download ends with the reason. No test waits."""

import gzip
import itertools

import pytest

from tests.ingest import faulty_server
from tests.ingest.fetching import POLICY, Time, left_in
from vidlib.errors import DownloadFailed, RefusedInput
from vidlib.ingest import addresses
from vidlib.ingest import fetch as fetching
from vidlib.ingest.fetch import DownloadRules
from vidlib.settings import GIB


def test_a_length_that_is_too_small_is_detected_in_the_cut_archive(server, archive, inbox, get):
    def too_long(request):
        request.head("200 OK", content_length=len(archive) - 10)
        request.send(archive)

    with pytest.raises(RefusedInput, match=r"a\.zip: the archive is cut off"):
        get(server.page("/a.zip", too_long))
    assert left_in(inbox) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "a web page came instead of a file"),
        (b"\xef\xbb\xbf\n <HTML>", "a web page came instead of a file"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "a web page came instead of a file"),
        ("\ufeff<!doctype html>".encode("utf-16-le"), "a web page came instead of a file"),
        (b'{"error": "expired"}', "an error message came"),
        (b"", "an empty file came"),
        (b"Rubbish", r"is not an archive; it begins with b'Rubbish'"),
    ],
)
def test_something_else_instead_of_a_file_is_refused_and_not_kept(server, inbox, get, body, why):
    with pytest.raises(RefusedInput, match=why):
        get(server.page("/a.zip", lambda request: request.answer(body=body, content_type="application/zip")))
    assert left_in(inbox) == []


@pytest.mark.parametrize("body", [b'{"status": 403}', b" " * 3000 + b"<html>", b"#EXTM3U\nhttp://h.example/1.ts\n"])
def test_a_text_instead_of_a_video_is_refused(server, inbox, get, body):
    with pytest.raises(RefusedInput, match="a text came instead of a video"):
        get(server.page("/a.mp4", lambda request: request.answer(body=body, content_type="video/mp4")))
    assert left_in(inbox) == []


def test_an_archive_that_was_cut_at_its_source_is_refused(server, archive, inbox, get):
    with pytest.raises(RefusedInput, match="the list of files at the end of a ZIP is missing"):
        get(server.page("/a.zip", lambda request: request.answer(body=archive[:1000])))
    sevenzip = b"7z\xbc\xaf\x27\x1c\x00\x04" + b"\0" * 4 + (5000).to_bytes(8, "little") + b"\0" * 12 + b"data"
    with pytest.raises(RefusedInput, match="the list of files at the end of a 7z is missing"):
        get(server.page("/a.7z", lambda request: request.answer(body=sevenzip)))
    assert left_in(inbox) == []


@pytest.mark.parametrize(
    ("code", "why"), [(401, "password"), (403, "new link"), (404, "nothing is there"), (410, "any")]
)
def test_a_permanent_refusal_is_requested_once(server, get, code, why):
    with pytest.raises(DownloadFailed, match=f"answered {code}: .*{why}"):
        get(server.page("/a.zip", lambda request: request.answer(f"{code} No")))
    assert len(server.asked) == 1


def test_a_slow_server_is_asked_again_and_then_fails(server, get):
    time = Time(tick_s=1.0)
    with pytest.raises(DownloadFailed, match=r"too slow: \d bytes per second"):
        get(
            server.page("/a.zip", faulty_server.drip),
            rules=DownloadRules(policy=POLICY, free_bytes=0, attempts=2),
            time=time,
        )


def test_an_endless_header_fails(server, get):
    url = server.page("/a.zip", faulty_server.drip_head)
    with pytest.raises(DownloadFailed, match="too slow: 0 bytes per second"):
        get(url, rules=DownloadRules(policy=POLICY, free_bytes=0, attempts=0), time=Time(tick_s=1.0))


def test_a_silent_connection_fails(server, get, monkeypatch):
    monkeypatch.setattr(addresses, "LISTEN_S", 0.01)
    rules = DownloadRules(policy=POLICY, free_bytes=0, attempts=0, idle_s=30)
    with pytest.raises(DownloadFailed, match="no answer in time"):
        get(server.page("/a.zip", faulty_server.silence), rules=rules, time=Time(tick_s=1.0))


def test_a_download_as_a_whole_has_an_end(server, archive, get):
    url = server.page("/a.zip", lambda request: request.file(archive, upto=len(server.asked) * 1000))
    rules = DownloadRules(policy=POLICY, free_bytes=0, timeout_s=500, min_rate=0)
    with pytest.raises(DownloadFailed, match="longer than 500 s"):
        get(url, rules=rules, time=Time(tick_s=10.0))


def test_a_length_over_the_limit_is_refused_before_anything_is_written(server, inbox, get):
    url = server.page("/a.zip", lambda request: request.head("200 OK", content_length=1 << 60))
    with pytest.raises(RefusedInput, match=r"1152921504606846976 bytes.*VIDLIB_MAX_DOWNLOAD_BYTES"):
        get(url)
    assert left_in(inbox) == []


def test_an_unknown_length_is_counted(server, archive, inbox, get):
    def endless(request):
        request.head("200 OK")
        while not request.closing.is_set():
            request.send(archive[:65536])

    rules = DownloadRules(policy=POLICY, free_bytes=0, max_bytes=1_000_000)
    with pytest.raises(RefusedInput, match="over the limit of 1000000"):
        get(server.page("/a.zip", endless), rules=rules)
    assert left_in(inbox) == []


def test_a_full_disk_is_detected_early_and_the_partial_file_stays(server, archive, inbox, get, monkeypatch):
    url = server.page("/a.zip", lambda request: request.file(archive))
    with pytest.raises(DownloadFailed, match=r"bytes free, but .* are needed.*VIDLIB_MIN_FREE_BYTES"):
        get(url, rules=DownloadRules(policy=POLICY, free_bytes=1 << 60))
    monkeypatch.setattr(fetching, "SYNC_BYTES", 1)
    frees = itertools.chain([10 * GIB] * 2, itertools.repeat(5))
    usage = type("Usage", (), {"free": property(lambda self: next(frees))})
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage())
    with pytest.raises(DownloadFailed, match="5 bytes free"):
        get(url)
    assert any(name.endswith(".part") for name in left_in(inbox))


def test_a_compressed_answer_is_refused(server, inbox, get):
    bomb = gzip.compress(b"\0" * 10_000_000)
    url = server.page("/a.zip", lambda request: request.answer(body=bomb, content_encoding="gzip"))
    with pytest.raises(DownloadFailed, match="compressed it with 'gzip'"):
        get(url)
    assert server.asked[0].headers["accept-encoding"] == "identity"
    assert left_in(inbox) == []


def test_redirects_in_a_circle_are_refused(server, get):
    server.page("/b", faulty_server.redirect("/a"))
    with pytest.raises(RefusedInput, match="in a circle"):
        get(server.page("/a", faulty_server.redirect("/b")))


def test_redirects_without_an_end_are_refused(server, get):
    url = server.page("/a", lambda request: request.answer("302 Found", location=f"/a?{len(server.asked)}"))
    with pytest.raises(RefusedInput, match="more than 10 times"):
        get(url)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://localhost/", "localhost is .*private network or of this machine"),
        ("http://10.0.0.1/a.zip", "10.0.0.1 is an address of a private network"),
        ("http://[::ffff:169.254.169.254]/latest", "private network"),
        ("file:///etc/passwd", "expected a link that begins with"),
        ("ftp://example.org/a", "expected a link that begins with"),
        ("http://me:hush@example.org/", "without user, password"),
        ("http://0177.0.0.1/", "four numbers"),
        ("http://[::1/", "redirects to"),
        ("http://h.example:99999999/", "redirects to"),
        ("http://h.example:port/", "redirects to"),
    ],
)
def test_a_redirect_to_a_forbidden_address_is_refused(server, inbox, get, target, why):
    with pytest.raises(RefusedInput, match=why):
        get(server.page("/a.zip", faulty_server.redirect(target)))
    assert left_in(inbox) == []
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/9.9 2000 OK\r\n\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nabcde",
        b"HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_valid_http_is_refused_at_once(server, inbox, get, answer):
    with pytest.raises(RefusedInput):
        get(server.page("/a.zip", lambda request: request.send(answer)))
    assert (len(server.asked), left_in(inbox)) == (1, [])
