"""What the tests of *finalize* share: two finished videos, and what they leave in the delivery."""

from pathlib import Path

from vidlib.steps import finalize

RESULTS = ("shots_csv", "audio_json", "tracking_json", "tracking_parquet", "rttm")


def finished(home: Path, clip: str, **others) -> dict:
    """The video whose files lie in ``work/<clip>``, as a notebook is given it."""
    files_of_clip = {name: str(home / "work" / clip / name) for name in ("source", "video", *RESULTS)}
    return {"stem": clip} | files_of_clip | others


def inputs_of(home: Path, videos: list[dict] | None = None) -> finalize.Inputs:
    return finalize.Inputs(
        project="Spring",
        videos=videos or [finished(home, "A/clip"), finished(home, "B/clip")],
        archive_dir=home / "archive",
        delivery_dir=home / "delivery",
        out_dir=home / "out",
    )


def run(home: Path, videos: list[dict] | None = None, **params) -> finalize.Outputs:
    return finalize.run(inputs_of(home, videos), finalize.Params(**params))


def contents(folder: Path) -> dict[str, str]:
    """``{relative path: text}`` of every file in a folder; lock files are left out."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def change_results(home: Path) -> None:
    (home / "work/A/clip/audio_json").write_text("somebody else speaks")
