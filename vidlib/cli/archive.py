"""The commands about results that last: ``vidlib archive ...``, and ``vidlib clean``, which frees the work folder."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidlib.cli._options import RESULTS, AsJson, Command, Workspace, examples, print_json, read_settings
from vidlib.errors import BrokenOutput, UsageError
from vidlib.text import path_text, printable

if TYPE_CHECKING:
    from vidlib.results.archive_entry import Entry
    from vidlib.runner.cleaning import WorkFolder
    from vidlib.settings import Settings

SHA256_DIGITS = 12
"""Digits of a SHA-256 that tables show."""

archive = typer.Typer(
    help="Find, check and restore the results of years, by the content of a video.",
    epilog="docs/use/archive.md explains the archive.",
    no_args_is_help=True,
)

Yes = Annotated[bool, typer.Option("--yes", help="Remove. Without this option, the command only lists.")]


def add_commands(app: typer.Typer) -> None:
    """Add ``vidlib archive`` and ``vidlib clean`` to ``app``."""
    for name, (command, lines) in COMMANDS.items():
        archive.command(name, epilog=examples(*lines))(command)
    app.add_typer(archive, name="archive", rich_help_panel=RESULTS)
    app.command(rich_help_panel=RESULTS, epilog=examples(*CLEAN_EXAMPLES))(clean)


def find(
    query: Annotated[
        str,
        typer.Argument(
            help="A file under any name, the start of a SHA-256, a date, or a text: part of a name or project, a "
            'person, or words. person:NAME and says:"WORDS" find only these.',
            metavar="QUERY",
        ),
    ],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List the archived results that QUERY names, newest first.

    A file is found by its content, also after it was renamed: both the delivered file and the original find their
    results. Dates are in UTC: 2026, 2026-11 or 2026-11-22. People and words find the newest results of their videos;
    for the shots, see `vidlib find`. Exit code 1: nothing was found.
    """
    from vidlib.cli import console
    from vidlib.results.finding import entries

    root = read_settings(workspace).archive
    with console.progress_bar(root.name) as report:
        found = entries.find(root, query, report)
    if as_json:
        print_json(
            {"entries": [_as_json(entry) for entry in found.entries], "unreadable": list(map(_utf8, found.unreadable))}
        )
    elif found.entries:
        console.print_table([_row(entry) for entry in found.entries])
    else:
        print(f"the archive {path_text(root)} holds nothing for {printable(query)!r}")
    _name_unreadable(found.unreadable)
    raise typer.Exit(int(not found.entries))


def restore(
    video: Annotated[
        str,
        typer.Argument(help="A file under any name, or a folder that `find` lists.", metavar="VIDEO|FOLDER"),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder for the results. Default: that of VIDEO.", metavar="FOLDER")
    ] = None,
    stem: Annotated[
        str | None, typer.Option("--as", help="Name of the results. Default: that of VIDEO.", metavar="STEM")
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Copy the newest archived results of a video beside it, under its present name.

    vidlib checks the entry first, and each copy after it. A result of the same name is replaced. Exit code 1: the
    entry is damaged, and nothing was written.
    """
    from vidlib.results import archive as results_archive

    entry, folder, name = _chosen(read_settings(workspace).archive, video)
    target, stem = (to or folder), (stem or name)
    if target is None:
        raise UsageError(f"{video} is no file beside which results could lie; name a folder with --to")
    if "/" in stem or stem in ("", ".", ".."):
        raise UsageError(f"--as {stem!r} is no plain name; expected the name of the video without suffix")
    files = [str(path) for path in results_archive.restore(entry, target, stem)]
    if as_json:
        print_json({"entry": str(entry.folder), "files": [path_text(Path(file)) for file in files]})
    else:
        print(*map(printable, files), sep="\n")


def _chosen(root: Path, text: str) -> "tuple[Entry, Path | None, str]":
    """The entry that ``text`` names, and the default folder and name for its results."""
    from vidlib.results import archive_entry, archive_index

    path = Path(text)
    if path.is_dir():
        entry = archive_entry.read(path)
        return entry, None, entry.metadata.video_stem
    found = archive_index.search(root, text, create=True)
    if not found.entries:
        _name_unreadable(found.unreadable)
        raise UsageError(f"the archive {path_text(root)} holds no results of {text!r}; see: vidlib archive find")
    entry = found.entries[0]
    if path.is_file():
        return entry, path.parent, path.stem
    if others := {other.metadata.video_hash for other in found.entries} - {entry.metadata.video_hash}:
        raise UsageError(f"{text!r} fits {len(others) + 1} videos; name a file, a whole SHA-256, or a folder of `find`")
    return entry, None, entry.metadata.video_stem


def verify(
    subset: Annotated[
        str, typer.Option(help="Check only a part of the archive, such as 1/7 on Mondays.", metavar="N/PARTS")
    ] = "1/1",
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Read every byte of the archive, and name each file that is changed, cut, missing or added.

    Entries of other tools have no checksums: vidlib only checks that their files exist, and says so. An entry always
    belongs to the same part. Exit code 1: something is damaged.
    """
    from vidlib.cli import console
    from vidlib.results import archive_check

    root = read_settings(workspace).archive
    with console.download_bar(f"verify {root.name}") as report:
        result = archive_check.check(root, archive_check.Subset.parse(subset), report)
    if as_json:
        damages = [
            {"folder": path_text(damage.folder), "file": _utf8(damage.file), "problem": _utf8(damage.problem)}
            for damage in result.damages
        ]
        counts = {"subset": subset, "entries": result.entries, "bytes": result.n_bytes}
        print_json(counts | {"damages": damages, "unrecorded": [path_text(path) for path in result.unrecorded]})
    else:
        for damage in result.damages:
            print(printable(str(damage)))
        for folder in result.unrecorded:
            print(f"{printable(str(folder))} has no checksums: only the existence of its files was checked")
        print(f"{_count(result.entries, 'entry')} and {result.n_bytes} bytes read; {len(result.damages)} damaged")
    raise typer.Exit(int(bool(result.damages)))


def rebuild(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Make the indexes of the archive from its entries alone.

    They make `archive find` and `find` fast; the archive is complete without them. Commands keep them up to date, so
    rebuild them only after `verify` named entries that you removed on purpose.
    """
    from vidlib.cli import console
    from vidlib.results import archive_index
    from vidlib.results.finding import index

    root = read_settings(workspace).archive
    with console.progress_bar(f"index {root.name}") as report:
        every = archive_index.rebuild(root, report)
    with console.progress_bar(f"index of shots {root.name}") as report, index.opened(root, report, anew=True) as shots:
        n_shots = shots.count()
    unreadable = list(dict.fromkeys([*every.unreadable, *shots.unreadable]))
    if as_json:
        counts = {"entries": len(every.entries), "shots": n_shots}
        print_json(counts | {"unreadable": list(map(_utf8, unreadable))})
    else:
        print(f"{_count(len(every.entries), 'entry')} and {n_shots} shots in the indexes of {path_text(root)}")
    _name_unreadable(unreadable)


def prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="Keep this many newest entries of each video.")] = 1,
    older_than: Annotated[float, typer.Option("--older-than", min=0, help="Only entries of this age in days.")] = 30.0,
    yes: Yes = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List superseded entries of the archive; with --yes, remove them.

    A newer entry with the same delivered file and the same original supersedes an older one. These entries always
    stay: the newest, those that the latest run of a project archived, those without checksums, and those with a result
    that the newest lacks. An entry also stays while the newest one is damaged. Exit code 1: something stays that was
    to be removed.
    """
    from vidlib.results import archive_index, archive_prune

    settings = read_settings(workspace)
    with archive_index.opened(settings.archive) as index:
        every = index.all()
    removable = archive_prune.superseded(
        every.entries, datetime.now(UTC), kept=keep, older_than=timedelta(days=older_than), in_use=_in_use(settings)
    )
    removed = list(archive_prune.prune(settings.archive, removable)) if yes and removable else []
    problems = {result.entry.folder: result.problem for result in removed if result.problem}
    rows = [
        _as_json(pair.entry)
        | {"newer": str(pair.newer.folder), "kept": _utf8(problems.get(pair.entry.folder) or "") or None}
        for pair in removable
    ]
    _print_removal("entry", rows, yes, as_json, lambda row: row["folder"], every.unreadable)


def _in_use(settings: "Settings") -> set[Path]:
    """The entries that the latest run of each project archived."""
    from vidlib.runner import queries
    from vidlib.steps.base import Manifest

    latest: dict[str, Path] = {}
    with queries.opened(settings) as history:
        for task in history.results(["finalize"]):
            latest.setdefault(task.project, task.result_folder)
    entries: set[Path] = set()
    for folder in latest.values():
        try:
            entries.update(map(Path, Manifest.read(folder).outputs.get("archived", ())))
        except BrokenOutput:  # somebody removed the folder of the step
            continue
    return entries


def put(
    video: Annotated[str, typer.Argument(help="A processed video: its file, name or SHA-256.", metavar="VIDEO")],
    project: Annotated[str | None, typer.Option(help="Project in the archive. Default: that of the results.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Archive the newest complete results of a processed video, and print their folder.

    A run does this itself at its end. Results that the archive already holds are not stored twice, even if two
    processes archive them at the same time.
    """
    from vidlib.api import Workspace as Videos
    from vidlib.api import archiving

    if project is not None and (not project or "/" in project or project.startswith(".")):
        raise UsageError(f"--project {project!r} is no plain name; expected the name of a folder, not hidden")
    videos = Videos(workspace)
    archived = archiving.put(videos.open(video), videos.settings, project)
    if as_json:
        print_json(_as_json(archived.entry) | {"there_already": archived.known})
    else:
        print(printable(str(archived.entry.folder)))


def clean(
    older_than: Annotated[float, typer.Option("--older-than", min=0, help="Days since a run last used them.")] = 30.0,
    yes: Yes = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List the finished steps that the work folder can do without, largest first; with --yes, remove them.

    These are the steps of videos whose results lie in the project and, byte for byte, in the archive. Reports, results
    in the project and the archive stay. A later run of such a video repeats its steps. Exit code 1: something stays
    that was to be removed.
    """
    from vidlib.runner import cleaning, queries

    settings = read_settings(workspace)
    with queries.opened(settings) as history:
        folders = cleaning.survey(history, settings, older_than)
        removable = [folder for folder in folders if not folder.kept]
        reasons = {work.sha256: reason for work, reason in cleaning.clean(history, removable)} if yes else {}
    rows = [_work_row(work, reasons.get(work.sha256)) for work in removable]
    stay = [_work_row(work, work.kept) for work in folders if work.kept]
    _print_removal("video", rows, yes, as_json, lambda row: f"{row['project']}/{row['video']}", stay=stay)


def _print_removal(
    noun: str,
    rows: Sequence[dict[str, Any]],
    yes: bool,
    as_json: bool,
    name: Callable[[dict[str, Any]], str],
    unreadable: Sequence[str] = (),
    stay: Sequence[dict[str, Any]] = (),
) -> None:
    """Print what was or would be removed, and exit with 1 if something stays that was to be removed."""
    problems = [row for row in rows if row["kept"]]
    removed = [row for row in rows if not row["kept"]]
    n_bytes = sum(row["bytes"] for row in removed)
    if as_json:
        listed = {"removed": removed, "kept": [*problems, *stay], "bytes": n_bytes, "dry_run": not yes}
        print_json(listed | ({"unreadable": list(map(_utf8, unreadable))} if unreadable else {}))
    else:
        for row in removed:
            print(f"{row['bytes']:>14,}  {printable(name(row))}")
        for row in (*problems, *stay):
            print(f"{'stays':>14}  {printable(name(row))}: {printable(row['kept'])}")
        verb = "removed" if yes else "would be removed; add --yes to remove them"
        print(f"{_count(len(removed), noun)}, {n_bytes:,} bytes {verb}")
    _name_unreadable(unreadable)
    raise typer.Exit(int(bool(problems)))


def _work_row(work: "WorkFolder", kept: str | None) -> dict[str, Any]:
    used = datetime.fromtimestamp(work.used_at, UTC).isoformat(timespec="seconds")
    folders = [path_text(folder) for folder in work.folders]
    return {
        "video": work.video,
        "project": work.project,
        "sha256": work.sha256,
        "folders": folders,
        "bytes": work.n_bytes,
        "used_at": used,
        "kept": kept or None,
    }


def _as_json(entry: "Entry") -> dict[str, Any]:
    from vidlib.results.archive_index import project_of
    from vidlib.results.archived_report import page_of

    metadata, report = entry.metadata, page_of(entry)
    return {
        "folder": path_text(entry.folder),
        "project": path_text(Path(project_of(entry.folder))),
        "stem": metadata.video_stem,
        "created_at": metadata.created_at.isoformat(),
        "video_hash": metadata.video_hash,
        "source_hash": metadata.source_hash,
        "files": [path_text(path) for path in entry.results.values()],
        "report": path_text(report) if report.is_file() else None,
        "bytes": entry.n_bytes,
        "has_checksums": entry.has_checksums,
    }


def _row(entry: "Entry") -> dict[str, Any]:
    from vidlib.results.archive_index import project_of

    metadata = entry.metadata
    return {
        "video": printable(metadata.video_stem),
        "project": printable(project_of(entry.folder)),
        "archived (UTC)": f"{metadata.created_at:%Y-%m-%d %H:%M:%S}",
        "sha256": metadata.video_hash[:SHA256_DIGITS],
        "files": len(entry.results),
        "folder": printable(str(entry.folder)),
    }


def _name_unreadable(problems: Sequence[str]) -> None:
    for problem in problems:
        typer.echo(f"an entry is left out: {printable(problem)}", err=True)


def _utf8(text: str) -> str:
    """A message that UTF-8 can encode, although it names a file that is not in UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def _count(number: int, noun: str) -> str:
    """A number with its noun.

    >>> _count(1, "entry"), _count(2, "entry"), _count(0, "video")
    ('1 entry', '2 entries', '0 videos')
    """
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


COMMANDS: dict[str, tuple[Command, list[str]]] = {
    "find": (
        find,
        [
            "vidlib archive find 'edit/final cut v3.mp4'",
            "vidlib archive find 3fa9c2 --json",
            "vidlib archive find 2026-11",
            "vidlib archive find 'person:SPEAKER_01 says:\"the budget\"'",
        ],
    ),
    "restore": (
        restore,
        ["vidlib archive restore 'edit/cut v3.mp4'", "vidlib archive restore film.mp4 --as old"],
    ),
    "verify": (verify, ["vidlib archive verify", "vidlib archive verify --subset 1/7 --json"]),
    "rebuild": (rebuild, ["vidlib archive rebuild"]),
    "prune": (prune, ["vidlib archive prune", "vidlib archive prune --keep 2 --older-than 365 --yes"]),
    "put": (put, ["vidlib archive put film.mp4", "vidlib archive put film.mp4 --project Spring --json"]),
}
CLEAN_EXAMPLES = ("vidlib clean", "vidlib clean --older-than 90 --yes", "vidlib clean --older-than 0 --json")
