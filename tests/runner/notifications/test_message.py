"""The subject and the text of a notification."""

import pytest

from tests.runner.notifications.runs import PARTIAL, STOPPED, result, video
from vidlib.runner.notifications.message import subject, text


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (PARTIAL, "partial (2 of 3 videos failed)"),
        (result("done", video("a"), video("b")), "done (2 videos)"),
        (result("refused", video("a", "refused")), "refused (1 of 1 video failed)"),
        (STOPPED, "cancelled (1 of 3 videos failed, 1 not finished)"),
        (result("cancelled"), "cancelled (0 videos)"),
    ],
)
def test_the_subject_counts_what_failed(run, says):
    assert subject(run) == f"vidlib run 20260101-000000-abcd: {says}"


def test_the_text_lists_failures_first_with_reason_and_report():
    lines = text(PARTIAL).splitlines()
    assert lines[2:6] == [
        "failed: /in/bad.mp4",
        "  step 'audio' failed: no sound",
        "  report: /runs/bad/report.html",
        "refused: /in/odd.mp4",
    ]
    assert "good.mp4" not in text(PARTIAL)


def test_the_error_of_a_run_comes_before_its_videos():
    body = text(result("failed", video("a", "failed"), error="OSError: no space left"))
    assert body.splitlines()[2] == "The run stopped with an error: OSError: no space left"


def test_a_name_from_outside_cannot_add_lines_or_break_the_text():
    name = "a\nfailed: /in/forged.mp4\r\n" + b"caf\xe9".decode("utf-8", "surrogateescape")
    body = text(result("failed", video(name, "failed", "x" * 10_000)))
    assert [line for line in body.splitlines() if line.startswith("failed:")] == [
        "failed: a failed: /in/forged.mp4 caf"
    ]
    assert max(map(len, body.encode().decode().splitlines())) < 1000


def test_the_text_of_many_failures_is_short():
    body = text(result("failed", *(video(f"{n}.mp4", "failed", "no") for n in range(1000))))
    assert "and 950 more" in body
