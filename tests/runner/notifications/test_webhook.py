"""Notification by a webhook, with a server of this test: retries, redirects and secrets."""

import threading

import pytest

from tests.runner.notifications.runs import PARTIAL, result, video
from tests.runner.notifications.servers import listener, web_server
from tests.waiting import wait_until
from vidlib.runner.notifications import notify
from vidlib.runner.notifications.message import subject, text
from vidlib.runner.notifications.retries import LONGEST_PAUSE_S
from vidlib.settings import load


def test_a_webhook_gets_the_result_and_a_text_for_people(caplog):
    caplog.set_level("DEBUG")
    with web_server((204, {})) as server:
        assert notify(PARTIAL, load(notify_url=server.secret_url)) == []
    (asked,) = server.asked
    assert asked["path"] == "/services/s3cret?token=h1dden"
    assert asked["type"] == "application/json"
    assert asked["json"] == {"subject": subject(PARTIAL), "text": text(PARTIAL), **PARTIAL}
    assert "s3cret" not in caplog.text
    assert "h1dden" not in caplog.text


def test_a_name_that_is_not_utf_8_can_be_posted():
    name = b"/in/caf\xe9.mp4".decode("utf-8", "surrogateescape")
    with web_server((200, {})) as server:
        assert notify(result("failed", video(name, "failed")), load(notify_url=server.url)) == []
    assert server.asked[0]["json"]["videos"][0]["path"] == name


def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses():
    pauses: list[float] = []
    with web_server((503, {}), (500, {}), (200, {})) as server:
        assert notify(PARTIAL, load(notify_url=server.url), pause=pauses.append) == []
    assert pauses == [2, 4]


@pytest.mark.parametrize(
    ("asked_for", "paused_s"),
    [
        ("7", 7),
        ("86400", LONGEST_PAUSE_S),
        ("Fri, 31 Dec 2100 23:59:59 GMT", LONGEST_PAUSE_S),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("soon", 2),
    ],
)
def test_retry_after_is_obeyed_up_to_the_longest_pause(asked_for, paused_s):
    pauses: list[float] = []
    with web_server((429, {"Retry-After": asked_for}), (200, {})) as server:
        assert notify(PARTIAL, load(notify_url=server.url), pause=pauses.append) == []
    assert pauses == [paused_s]


def test_four_attempts_are_made_at_a_busy_server():
    pauses: list[float] = []
    with web_server((503, {})) as server:
        problems = notify(PARTIAL, load(notify_url=server.secret_url), pause=pauses.append)
    assert problems == ["notification by webhook failed: the server answered 503"]
    assert (len(server.asked), len(pauses)) == (4, 3)


def test_a_rejected_request_is_not_repeated():
    with web_server((404, {})) as server:
        assert notify(PARTIAL, load(notify_url=server.secret_url)) == [
            "notification by webhook failed: the server answered 404"
        ]
    assert len(server.asked) == 1


def test_a_redirect_is_not_followed():
    with web_server((200, {})) as elsewhere, web_server((307, {"Location": f"{elsewhere.url}/stolen"})) as server:
        (problem,) = notify(PARTIAL, load(notify_url=server.secret_url))
    assert "the server answered 307; redirects are not followed" in problem
    assert elsewhere.asked == []


def test_an_unreachable_server_is_asked_again_and_its_address_stays_secret():
    with listener() as closed:
        port = closed.getsockname()[1]
    pauses: list[float] = []
    url = f"http://user:pa55word@127.0.0.1:{port}/services/s3cret?token=h1dden"
    (problem,) = notify(PARTIAL, load(notify_url=url), pause=pauses.append)
    assert "no connection" in problem
    assert len(pauses) == 3
    assert not any(secret in problem for secret in ("pa55word", "s3cret", "h1dden"))


def test_an_address_that_the_server_repeats_is_redacted():
    def echo() -> None:
        for _ in range(4):
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(65536))

    with listener() as server:
        thread = threading.Thread(target=echo)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/services/s3cret?token=h1dden"
        (problem,) = notify(PARTIAL, load(notify_url=url), pause=lambda seconds: None)
        thread.join()
    assert not any(secret in problem for secret in ("s3cret", "h1dden"))


def test_a_silent_server_fails_at_the_time_limit():
    def no_more(seconds: float) -> None:
        raise InterruptedError

    with listener() as silent:
        settings = load(notify_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        problems = notify(PARTIAL, settings, pause=no_more, limit_s=0)
    assert problems == ["notification by webhook failed: the server did not answer in time"]
    wait_until(lambda: not any(thread.name == "notification" for thread in threading.enumerate()))
