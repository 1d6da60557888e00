"""The commands that bring files in and keep the history of downloads: ``vidlib downloads ...``."""

from pathlib import Path
from typing import Annotated

import typer

from vidlib.cli._options import DOWNLOADS, AsJson, Command, Workspace, examples, print_json, read_settings
from vidlib.machine.signals import stopped_by_signals

downloads = typer.Typer(help="Download files, and see what was offered and downloaded.", no_args_is_help=True)

Urls = Annotated[list[str], typer.Argument(help="Links, in any spelling.", metavar="URL")]
States = Annotated[
    list[str] | None,
    typer.Option("--state", help="Only downloads in this state, such as done, failed or manual; repeatable."),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Show at most this many, the latest first.")]
Again = Annotated[bool, typer.Option("--again", help="Download the file even if it was downloaded before.")]


def add_commands(app: typer.Typer) -> None:
    """Add ``vidlib downloads`` to ``app``."""
    for name, (command, lines) in COMMANDS.items():
        downloads.command(name, epilog=examples(*lines))(command)
    app.add_typer(downloads, name="downloads", rich_help_panel=DOWNLOADS)


def get(
    url: Annotated[
        str,
        typer.Argument(
            help="A link of Dropbox, SwissTransfer or FromSmash, or to a file; or the handle of a known link."
        ),
    ],
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the file. Default: the inbox.")] = None,
    again: Again = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Download one file completely, check it, and print its path and SHA-256.

    A file that was downloaded before is not downloaded again. Ctrl-C or SIGTERM pauses the download; the same command
    continues it. Exit code 3: the link is refused, or only a person can download from it.
    """
    from vidlib.cli.console import download_bar
    from vidlib.ingest.urls import redacted
    from vidlib.runner.downloads import worker
    from vidlib.runner.store.runs import History

    settings = read_settings(workspace)
    with History(settings.database) as history, stopped_by_signals() as stop, download_bar(redacted(url)) as report:
        conditions = worker.DownloadOptions(settings, stop, report, folder=to and to.absolute())
        result = worker.download(history, url, conditions, again=again)
    if result.error:
        raise result.error
    row = result.row
    document = {
        "url": redacted(row.url),
        "handle": row.handle,
        "file": row.file,
        "sha256": row.sha256,
        "bytes": row.bytes_done,
    }
    print_json(document | {"there_already": result.known}) if as_json else print(f"{row.file}  {row.sha256}")


def monitor(
    once: Annotated[
        bool, typer.Option("--once", help="Read the webhook once, download what is waiting, and exit.")
    ] = False,
    workspace: Workspace = None,
) -> None:
    """Download what the webhook VIDLIB_WEBHOOK_URL offers and VIDLIB_MONITOR_* allow, until Ctrl-C or SIGTERM.

    Exit code 1 with --once: the webhook did not answer, or a download failed.
    """
    from vidlib.cli.console import logging_to_stderr
    from vidlib.runner.downloads import monitor as monitor_module

    settings = read_settings(workspace)
    with logging_to_stderr(), stopped_by_signals() as stop:
        succeeded = monitor_module.run(settings, stop, once=once)
    raise typer.Exit(int(not succeeded))


def list_downloads(
    states: States = None, limit: Limit = 50, workspace: Workspace = None, as_json: AsJson = False
) -> None:
    """List the latest downloads and offers with their state."""
    _print_downloads("", states, limit, workspace, as_json)


def search(
    text: Annotated[str, typer.Argument(help="Part of a link, name, file or project, or the start of a SHA-256.")],
    states: States = None,
    limit: Limit = 50,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """List the downloads that contain a text. Exit code 1 if there is none."""
    if not _print_downloads(text, states, limit, workspace, as_json):
        raise typer.Exit(1)


def add(
    urls: Urls,
    state: Annotated[
        str,
        typer.Option(help="known: never download automatically; waiting: download soon; done: downloaded elsewhere."),
    ] = "known",
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Add links to the history without downloading them now."""
    from vidlib.runner.downloads import catalogue

    noted = catalogue.add(read_settings(workspace), urls, state)
    print_json(vars(noted)) if as_json else print(f"{noted.new} new, {noted.changed + noted.same} known already")


def mark(
    url: Annotated[str, typer.Argument(help="A link in any spelling, or its handle.")],
    state: Annotated[str, typer.Argument(help="waiting, paused, cancelled or known.")],
    workspace: Workspace = None,
) -> None:
    """Start, pause or cancel a download. A running download stops within a second and keeps what has arrived."""
    from vidlib.ingest.urls import redacted
    from vidlib.runner.downloads import catalogue

    present = catalogue.mark(read_settings(workspace), url, state)
    label = redacted(url)
    print(f"{label} was requested to be {state}" if present == "downloading" else f"{label} is {present}")


def export(
    file: Annotated[Path | None, typer.Argument(help="Default: standard output.", dir_okay=False)] = None,
    workspace: Workspace = None,
) -> None:
    """Write the download history as JSON that `vidlib downloads import` reads.

    Only you can read the file: it contains the links, which give access.
    """
    from vidlib.files import write_json
    from vidlib.runner.downloads import catalogue

    document = catalogue.export(read_settings(workspace))
    if file is None:
        print_json(document)
    else:
        write_json(file, document, private=True)
        print(f"{len(document['urls'])} downloads are in {file}")


def clean(
    older_than: Annotated[float, typer.Option("--older-than", min=0, help="Days since the download ended.")] = 30.0,
    states: States = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Remove old failed and cancelled downloads, with their partial files. Their links then count as new."""
    from vidlib.ingest.urls import redacted
    from vidlib.runner.downloads import catalogue

    urls = catalogue.clean(read_settings(workspace), older_than, states, dry_run=dry_run)
    if as_json:
        print_json({"removed": urls, "dry_run": dry_run})
    else:
        print(*map(redacted, urls), f"{len(urls)} {'would be' if dry_run else 'were'} removed", sep="\n")


def import_history(
    file: Annotated[Path, typer.Argument(help="download_history.json, download_history.sqlite3 or an export.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be added.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Import a download history; the database is backed up first.

    Imported links count as downloaded. Importing the same file twice is safe.
    """
    from vidlib.runner.downloads import catalogue

    imported = catalogue.import_file(read_settings(workspace), file, dry_run=dry_run)
    if as_json:
        print_json(imported.as_json())
        return
    print(*imported.malformed, sep="\n", end="\n" if imported.malformed else "")
    verb = "would be new" if dry_run else "are new"
    print(f"{imported.read} read: {imported.new} {verb}, {imported.changed} changed, {imported.same} known already")
    print(f"{len(imported.malformed)} were skipped because they are malformed")
    if imported.backup:
        print(f"backup: {imported.backup}")


def _print_downloads(text: str, states: list[str] | None, limit: int, workspace: Path | None, as_json: bool) -> int:
    """Print the downloads that match, and return their number."""
    from vidlib.cli import console
    from vidlib.runner.downloads import catalogue

    matches = catalogue.search(read_settings(workspace), text, states or (), limit)
    if as_json:
        print_json({"downloads": [catalogue.as_json(match) for match in matches]})
    else:
        console.print_table([catalogue.table_row(match) for match in matches])
    return len(matches)


COMMANDS: dict[str, tuple[Command, list[str]]] = {
    "get": (
        get,
        [
            "vidlib downloads get 'https://www.dropbox.com/scl/fi/…/film.zip?rlkey=…&dl=0'",
            "vidlib downloads get https://files.example.org/film.zip --to rushes --json",
        ],
    ),
    "monitor": (monitor, ["vidlib downloads monitor", "vidlib downloads monitor --once"]),
    "list": (list_downloads, ["vidlib downloads list", "vidlib downloads list --state failed --state manual --json"]),
    "search": (search, ["vidlib downloads search interview", "vidlib downloads search 3fa9c2 --state done"]),
    "add": (
        add,
        [
            "vidlib downloads add https://files.example.org/old.zip",
            "vidlib downloads add https://files.example.org/new.zip --state waiting",
        ],
    ),
    "mark": (
        mark,
        [
            "vidlib downloads mark https://files.example.org/film.zip paused",
            "vidlib downloads mark https://files.example.org/film.zip waiting",
        ],
    ),
    "export": (export, ["vidlib downloads export", "vidlib downloads export history.json"]),
    "clean": (clean, ["vidlib downloads clean --dry-run", "vidlib downloads clean --older-than 7 --state failed"]),
    "import": (
        import_history,
        ["vidlib downloads import download_history.json --dry-run", "vidlib downloads import history.json"],
    ),
}
