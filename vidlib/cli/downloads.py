"""The commands about what was ever offered for download: ``vidlib history ...``."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidlib import settings as settings_module
from vidlib.cli.models import AsJson, print_json
from vidlib.cli.one_download import Workspace
from vidlib.errors import UnknownName

if TYPE_CHECKING:
    from vidlib.runner.store.models import Download
    from vidlib.runner.store.runs import History

history = typer.Typer(help="What was ever offered for download, and what became of it.", no_args_is_help=True)

DAY_S = 86400.0

Urls = Annotated[list[str], typer.Argument(help="links, in any spelling", metavar="URL...")]
States = Annotated[
    list[str] | None,
    typer.Option("--state", help="only these: known, done, failed, manual, …", metavar="STATE"),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="at most so many, the latest first")]


@history.command("list")
def list_downloads(
    states: States = None, limit: Limit = 50, workspace: Workspace = None, as_json: AsJson = False
) -> None:
    """What was offered last, and what became of it."""
    _show("", states, limit, workspace, as_json)


@history.command()
def search(
    text: Annotated[str, typer.Argument(help="part of a link, name, file or project, or the start of a SHA-256")],
    states: States = None,
    limit: Limit = 50,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Downloads that hold a text somewhere. Exit code 1 if there is none."""
    if not _show(text, states, limit, workspace, as_json):
        raise typer.Exit(1)


@history.command()
def add(
    urls: Urls,
    state: Annotated[str, typer.Option(help="known: never by itself; waiting: soon; done: was downloaded")] = "known",
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Keep links, so that they are not downloaded by themselves, or are."""
    from vidlib.ingest.webhook import Offer
    from vidlib.runner.downloads import store

    _check_states([state], ("known", "waiting", "done", "manual"))
    with _opened(workspace) as opened:
        noted = store.note(opened, [(Offer(url, time.time()), state) for url in urls])
    if as_json:
        print_json(vars(noted))
    else:
        print(f"{noted.new} new, {noted.changed + noted.same} known already")


@history.command()
def mark(
    url: Annotated[str, typer.Argument(help="a link, in any spelling")],
    state: Annotated[str, typer.Argument(help="waiting, paused, cancelled or known")],
    workspace: Workspace = None,
) -> None:
    """Have a download begin, pause or end; whoever downloads it is asked, and keeps what arrived."""
    from vidlib.runner.downloads import store

    _check_states([state], ("waiting", "paused", "cancelled", "known"))
    with _opened(workspace) as opened:
        now = store.ask(opened, store.key_of(url), state)
    print(f"{url} was asked to be {state}" if now == "downloading" else f"{url} is {now}")


@history.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="default: standard output", dir_okay=False)] = None,
    workspace: Workspace = None,
) -> None:
    """Write all of it as JSON that `vidlib history import` reads."""
    from vidlib.files import write_json
    from vidlib.runner.downloads import store

    with _opened(workspace) as opened:
        document = {"urls": [_exported(row, project) for row, project in store.found(opened)]}
    if file is None:
        print_json(document)
    else:
        write_json(file, document)
        print(f"{len(document['urls'])} downloads are in {file}")


@history.command()
def clean(
    older_than: Annotated[float, typer.Option("--older-than", min=0, help="days since it ended")] = 30.0,
    states: States = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be removed")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Forget what failed or was cancelled long ago, with what had arrived of it; its link counts as new then."""
    from vidlib.ingest import parts
    from vidlib.runner.downloads import store

    chosen = states or list(store.FORGOTTEN)
    _check_states(chosen, tuple(state for state in store.STATES if state != "downloading"))
    settings = settings_module.load(workspace=workspace) if workspace else settings_module.settings()
    with _opened(workspace) as opened:
        gone = store.clean(opened, time.time() - older_than * DAY_S, chosen, dry=dry_run)
    if not dry_run:
        for link in (link for row in gone for link in row.links):
            parts.forget(settings.inbox, link)
    if as_json:
        print_json({"removed": [row.url for row in gone], "dry_run": dry_run})
    else:
        print(*(row.url for row in gone), f"{len(gone)} {'would be' if dry_run else 'were'} removed", sep="\n")


@history.command("import")
def import_history(
    file: Annotated[Path, typer.Argument(help="download_history.json, download_history.sqlite3, or an export")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be added")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Take over a history from elsewhere, after a backup; what it names counts as done. Again, it changes nothing."""
    from vidlib.runner.downloads import history_import

    with _opened(workspace) as opened:
        taken = history_import.take_over(opened, file, dry_run=dry_run)
    if as_json:
        print_json(taken.as_json())
        return
    print(*taken.malformed, sep="\n", end="\n" if taken.malformed else "")
    verb = "would be new" if dry_run else "are new"
    print(f"{taken.read} read: {taken.new} {verb}, {taken.changed} changed, {taken.same} known already")
    print(f"{len(taken.malformed)} were left out, as they are malformed")
    if taken.backup:
        print(f"backup: {taken.backup}")


@contextmanager
def _opened(workspace: Path | None) -> Iterator["History"]:
    from vidlib.runner.downloads import store
    from vidlib.runner.store.runs import History

    settings = settings_module.load(workspace=workspace) if workspace else settings_module.settings()
    with History(settings.database) as opened:
        store.free_up(opened)
        yield opened


def _show(text: str, states: list[str] | None, limit: int, workspace: Path | None, as_json: bool) -> int:
    """Print the downloads that fit; how many."""
    from vidlib.cli import console
    from vidlib.runner.downloads import store

    _check_states(states or (), store.STATES)
    with _opened(workspace) as opened:
        found = store.found(opened, text, states or (), limit)
    if as_json:
        print_json({"downloads": [_as_json(row, project) for row, project in found]})
    else:
        console.show_table([_line(row, project) for row, project in found])
    return len(found)


def _check_states(given: list[str] | tuple[str, ...], known: tuple[str, ...]) -> None:
    for state in given:
        if state not in known:
            raise UnknownName("a state that fits here", state, known)


def _line(row: "Download", project: str | None) -> dict[str, Any]:
    percent = f" {row.bytes_done / row.bytes_total:.0%}" if row.state == "downloading" and row.bytes_total else ""
    return {
        "offered": time.strftime("%Y-%m-%d %H:%M", time.localtime(row.offered_at)),
        "state": f"{row.state}{percent}",
        "provider": row.provider,
        "project": project or "",
        "link": row.original_url if row.state == "manual" else row.url,
        "file": row.file or "",
        "error": row.error or "",
    }


def _as_json(row: "Download", project: str | None) -> dict[str, Any]:
    left = row.bytes_total - row.bytes_done if row.bytes_total and row.state == "downloading" else None
    plain = ("url", "original_url", "proxy_url", "provider", "name", "state", "file", "sha256", "error", "attempts")
    return {name: getattr(row, name) for name in plain} | {
        "project": project,
        "offered_at": _iso(row.offered_at),
        "finished_at": _iso(row.finished_at),
        "bytes_done": row.bytes_done,
        "bytes_total": row.bytes_total,
        "bytes_per_second": row.rate,
        "seconds_left": round(left / row.rate, 1) if left is not None and row.rate else None,
    }


def _exported(row: "Download", project: str | None) -> dict[str, Any]:
    read_again = {"url": row.original_url, "timestamp": row.offered_at, "state": row.state}
    names = {"r2_url": row.proxy_url, "original_filename": row.name, "provider": row.provider}
    return read_again | names | {"file": row.file, "sha256": row.sha256, "project": project, "error": row.error}


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
