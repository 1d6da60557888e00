"""All channels together: who is notified of which end, and settings that cannot work."""

from pathlib import Path

import pytest

from tests.runner.notifications.programs import program
from tests.runner.notifications.runs import PARTIAL, result, video
from tests.runner.notifications.servers import by_mail, mail_server, web_server
from vidlib.errors import SettingError
from vidlib.runner.notifications import check, notify
from vidlib.settings import load


def test_a_run_without_failures_is_notified_only_with_notify_on_end(tmp_path):
    done = result("done", video("a.mp4"))
    command = program(tmp_path / "touches.py", "open('told', 'w')")
    assert notify(done, load(notify_command=command)) == []
    assert not Path("told").exists()
    assert notify(done, load(notify_command=command, notify_on="end")) == []
    assert Path("told").exists()


def test_a_failed_channel_does_not_stop_the_others():
    with web_server((200, {})) as server, mail_server() as box:
        settings = by_mail(box, notify_command="false", notify_url=server.url)
        (problem,) = notify(PARTIAL, settings)
    assert problem.startswith("notification by command failed")
    assert (len(server.asked), len(box.letters)) == (1, 1)


def test_notify_raises_nothing():
    settings = load(notify_command="'", notify_url="http://[s3cret", notify_email="@", smtp_url="s3cret", smtp_from="x")
    problems = notify(PARTIAL, settings)
    assert len(problems) == 3
    assert "s3cret" not in "".join(problems)
    assert len(notify({"run": "R", "status": "failed"}, load(notify_url="http://127.0.0.1:1/s3cret"))) == 1


MAIL = {"notify_email": "a@example.org", "smtp_url": "smtp://mail.example.org", "smtp_from": "b@example.org"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"notify_command": "no-such-program --now"}, "VIDLIB_NOTIFY_COMMAND: cannot run 'no-such-program'"),
        ({"notify_command": "echo 'open"}, "VIDLIB_NOTIFY_COMMAND: No closing quotation"),
        ({"notify_command": "  "}, "VIDLIB_NOTIFY_COMMAND: it is empty"),
        ({"notify_url": "hooks.example.org/s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "ftp://hooks.example.org/s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "file:///s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "https:///s3cret"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "https://hooks.example.org:s3cret/"}, "VIDLIB_NOTIFY_URL"),
        ({"notify_url": "https://hooks.example.org/s3cret\n"}, "VIDLIB_NOTIFY_URL"),
        (MAIL | {"smtp_url": None}, "needs VIDLIB_SMTP_URL"),
        (MAIL | {"smtp_from": None}, "needs VIDLIB_SMTP_FROM"),
        (MAIL | {"notify_email": "nobody"}, "VIDLIB_NOTIFY_EMAIL='nobody'"),
        (MAIL | {"smtp_from": "a@b\nBcc: x@y"}, "VIDLIB_SMTP_FROM"),
        (MAIL | {"smtp_url": "mail.example.org:s3cret"}, "VIDLIB_SMTP_URL"),
        (MAIL | {"smtp_url": "smtp://user:25#s3cret@mail.example.org"}, "VIDLIB_SMTP_URL: expected nothing after"),
        (MAIL | {"smtp_url": "smtp://user:s3cretö@mail.example.org"}, "VIDLIB_SMTP_URL"),
        (MAIL | {"smtp_url": "smtp://user:s3cret%C3%B6@mail.example.org"}, "VIDLIB_SMTP_URL: expected a user"),
    ],
)
def test_check_refuses_settings_that_cannot_work(given, says):
    with pytest.raises(SettingError) as raised:
        check(load(**given))
    assert says in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "given", [{}, {"notify_command": "true"}, {"notify_url": "https://hooks.example.org/s3cret?a=b"}, MAIL]
)
def test_check_accepts_settings_that_may_work(given):
    check(load(**given))
