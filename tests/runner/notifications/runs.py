"""Runs as JSON, which notifications are about."""


def video(name: str, status: str = "done", error: str | None = None, report: str | None = None) -> dict:
    """One video in the JSON of a run."""
    return {
        "path": name,
        "sha256": "0" * 64,
        "status": status,
        "steps": {},
        "outputs": {"report": report},
        "error": error,
    }


def result(status: str = "partial", *videos: dict, **more: object) -> dict:
    """The JSON of a run."""
    return {"run": "20260101-000000-abcd", "status": status, "videos": list(videos), "projects": [], **more}


PARTIAL = result(
    "partial",
    video("/in/good.mp4", report="/runs/good/report.html"),
    video("/in/bad.mp4", "failed", "step 'audio' failed: no sound", "/runs/bad/report.html"),
    video("/in/odd.mp4", "refused", "'odd.mp4' is no readable video"),
)
STOPPED = result("cancelled", video("a"), video("b", "failed"), video("c", "cancelled"))
