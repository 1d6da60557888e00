"""Erases people from the cast, and their names from corrections and, if asked, from results; with a receipt."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidlib.cast import erasure
from vidlib.cast.erasure import Plan
from vidlib.cast.search import Found, search, spellings
from vidlib.cast.store import Store
from vidlib.corrections import store as corrections
from vidlib.corrections.actions import NameSpeaker, undone
from vidlib.errors import UsageError, VidlibError
from vidlib.files import write_json
from vidlib.results import archive_index, archive_prune, delivery, index_file
from vidlib.results.finding.index import INDEX

if TYPE_CHECKING:
    from vidlib.api.workspace import Workspace
    from vidlib.settings import Settings

RECEIPTS = "receipts"
"""The folder with the receipts, in that of the cast."""

OUTSIDE = (
    "vidlib cannot reach copies elsewhere: backups and snapshots of the disk, deleted blocks of the file system, "
    "deliveries that left this machine, and timelines in editing programs. The videos themselves show the person."
)


def erase(workspace: "Workspace", opened: Store, plan: Plan) -> dict[str, Any]:
    """Do what ``plan`` says, whatever of it is done already; returns the receipt, which is also kept.

    The order lets any process that finds the plan complete it: the cast itself comes after all that needs its data.
    """
    settings = workspace.settings
    if plan.person is not None:
        _remove_corrections(settings, plan)
    problems = list(_republish(workspace, plan)) if plan.results else []
    found = _search(settings, plan) if plan.person is not None else Found()
    erasure.remove_rows(opened, plan)
    receipt = _receipt(plan, found, problems)
    settings.cast.joinpath(RECEIPTS).mkdir(exist_ok=True, mode=0o700)
    write_json(settings.cast / RECEIPTS / f"{plan.receipt}.json", receipt, private=True)
    erasure.close(opened, plan)
    return receipt


def begin(settings: "Settings", opened: Store, plan: Plan) -> Plan:
    """Keep a plan until it is done, with how much it removes; from now on, any process completes it."""
    n_corrections = sum(map(len, _named(settings, plan).values())) if plan.person is not None else 0
    plan = plan.model_copy(update={"counts": plan.counts | {"corrections": n_corrections}})
    erasure.keep(opened, plan)
    return plan


def complete(workspace: "Workspace", opened: Store) -> None:
    """Complete the erasures that a process began and did not finish."""
    for plan in erasure.pending(opened):
        erase(workspace, opened, plan)


def retain(workspace: "Workspace", opened: Store, now: datetime | None = None) -> dict[str, Any] | None:
    """Erase what is kept for longer than the settings allow; returns the receipt, or None where nothing is."""
    days = workspace.settings.cast_retention_days
    if days is None:
        raise UsageError("nothing says how long faces and voices are kept; set VIDLIB_CAST_RETENTION_DAYS")
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    plan = erasure.plan_expired(opened, before, workspace.settings.person)
    if plan is None:
        return None
    return erase(workspace, opened, begin(workspace.settings, opened, plan))


def _remove_corrections(settings: "Settings", plan: Plan) -> None:
    for sha256, ids in _named(settings, plan).items():
        corrections.remove(settings.corrections, sha256, ids)


def _named(settings: "Settings", plan: Plan) -> dict[str, list[str]]:
    """The corrections that give the person's names, by video: also those recorded by hand in the person's videos.

    In other videos, where somebody else may have the name, only those that were taken back.
    """
    named: dict[str, list[str]] = {}
    for sha256 in corrections.videos(settings.corrections):
        known = corrections.read(settings.corrections, sha256)
        gone = undone(known)
        for one in known:
            is_name = isinstance(one.decision, NameSpeaker) and one.decision.name in plan.names
            if is_name and (sha256 in plan.videos or one.id in gone):
                named.setdefault(sha256, []).append(one.id)
    return named


def _search(settings: "Settings", plan: Plan) -> Found:
    """What still holds a name. The index of shots, whose deleted rows may, is removed; the next question makes it."""
    if plan.names:
        index_file.remove(settings.archive / INDEX)
    roots = dict.fromkeys(path for path in _roots(settings) if path.is_dir())
    return search(roots, plan.names)


def _roots(settings: "Settings") -> list[Path]:
    folders = (settings.projects, settings.delivery, settings.archive, settings.work, settings.runs)
    return [settings.workspace, settings.inbox, settings.corrections, *folders]


def _republish(workspace: "Workspace", plan: Plan) -> Iterator[str]:
    """Put results without the names in the place of those with them, and remove the latter; yields what failed."""
    current: set[Path] = set()
    runs: set[str] = set()
    for sha256 in plan.videos:
        try:
            video = workspace.open(sha256)
            video.apply_corrections()
            if results := video.results_at_hand():
                current |= set(results.folders.values())
                runs.add(results.run)
        except VidlibError as error:
            yield f"{plan.videos[sha256]}: {error}"
    _remove_superseded(workspace, plan, current, runs)


def _remove_superseded(workspace: "Workspace", plan: Plan, current: set[Path], runs: set[str]) -> None:
    """Remove steps, reports, deliveries and archived entries that hold a name and are not of the newest results."""
    from vidlib.runner.cleaning import remove_step
    from vidlib.runner.read_only import remove_folder

    settings = workspace.settings
    for folder in _holding(settings.work, 2, plan):
        if folder not in current:
            with workspace._history() as history:
                remove_step(history, folder)
    for folder in _holding(settings.runs, 2, plan):
        if folder.parent.name not in runs:
            remove_folder(folder)
    for folder in _holding(settings.delivery, 1, plan):
        if delivery.successor(folder):
            remove_folder(folder)
    _remove_archived(settings, plan)


def _remove_archived(settings: "Settings", plan: Plan) -> None:
    """Remove the entries of the archive that hold a name, where another entry has results of the same video."""
    doomed = set(_holding(settings.archive, 2, plan))
    entries = [entry for sha256 in plan.videos for entry in archive_index.entries_of(settings.archive, sha256)]
    pairs = [
        archive_prune.Superseded(old, new)
        for old in entries
        if old.folder in doomed
        for new in entries
        if new.folder not in doomed and new.metadata.source_hash == old.metadata.source_hash
    ]
    list(archive_prune.prune(settings.archive, list({pair.entry.folder: pair for pair in pairs}.values())))


def _holding(root: Path, depth: int, plan: Plan) -> list[Path]:
    """The folders ``depth`` levels below ``root`` with a file that holds a name."""
    files = search([root], plan.names).files if root.is_dir() else []
    parts = (file.relative_to(root).parts for file in files)
    return list(dict.fromkeys(root.joinpath(*path[:depth]) for path in parts if len(path) > depth))


def _receipt(plan: Plan, found: Found, problems: list[str]) -> dict[str, Any]:
    """What was erased, and what still holds a name; the name itself is not in it."""
    receipt = {
        "receipt": plan.receipt,
        "person": None if plan.person is None else f"P{plan.person}",
        "appearances": [f"A{number}" for number in plan.appearances],
        "at": plan.at.isoformat(),
        "by": plan.by,
        "erased": plan.counts,
        "still_named_in": [str(path) for path in found.files],
        "not_searched": [str(path) for path in found.not_searched],
        "exported_to": list(plan.exports),
        "problems": problems,
        "outside": OUTSIDE,
    }
    return _redacted(receipt, _redaction(plan))


def _redaction(plan: Plan) -> Callable[[str], str]:
    known = sorted({spelling for name in plan.names for spelling in spellings(name)}, key=len, reverse=True)

    def redact(text: str) -> str:
        data = text.encode(errors="surrogateescape")
        for spelling in known:
            data = data.replace(spelling, "…".encode())
        return data.decode(errors="replace")

    return redact


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_redacted(item, redact) for item in value]
    return {key: _redacted(item, redact) for key, item in value.items()} if isinstance(value, dict) else value
