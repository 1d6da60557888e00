"""The report of an archived entry. It is made after the entry, which never changes, so it has a folder in the entry.

    report/<stem>_report.html
           record.json           its size and SHA-256

The folder appears at once or not at all. The first report of the results stays.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from vidlib.files import TMP_PREFIX, FileRecord, publish_folder, sole_writer, write_json, write_text
from vidlib.results.archive_entry import SYSTEM_FILES, Damage, Entry, Progress, file_problem, rendered
from vidlib.results.naming import DELIVERED_REPORT, REPORT_FOLDER

RECORD = "record.json"
RECORDS: TypeAdapter[dict[str, FileRecord]] = TypeAdapter(dict[str, FileRecord])


def add(root: Path, entry: Entry, text: str) -> Path:
    """Keep the page ``text`` as the report of ``entry``, unless it has one; returns the file."""
    page = page_of(entry)
    with sole_writer(root):
        if not page.parent.exists():
            staged = root / f"{TMP_PREFIX}{REPORT_FOLDER}"
            staged.mkdir()
            written = write_text(staged / page.name, text)
            write_json(staged / RECORD, {page.name: FileRecord.from_file(written).model_dump()})
            publish_folder(staged, page.parent)
    return page


def page_of(entry: Entry) -> Path:
    """Where the page of the report is, if there is one."""
    return entry.folder / REPORT_FOLDER / f"{entry.metadata.video_stem}{DELIVERED_REPORT}"


def n_bytes(entry: Entry) -> int:
    """The size of the report, in bytes; 0 without one."""
    return sum(record.size for record in _records(entry.folder / REPORT_FOLDER).values())


def damages(entry: Entry, progress: Progress) -> Iterator[Damage]:
    """Yield each damage of the report, after reading every byte of it from the disk."""
    folder = entry.folder / REPORT_FOLDER
    if not folder.exists():
        return
    records = _records(folder)
    if not records:
        yield Damage(folder, RECORD, "is missing or was changed")
    for name, record in records.items():
        if problem := file_problem(folder / name, record, progress):
            yield Damage(folder, name, problem)
    for file in sorted(folder.iterdir()) if records else ():
        if file.name not in {RECORD, *records, *SYSTEM_FILES} and not file.name.startswith("."):
            yield Damage(folder, file.name, "is not in the record: the file was added")


def _records(folder: Path) -> dict[str, FileRecord]:
    """What the record of the report says; nothing where it is missing or not as `add` wrote it."""
    try:
        data = (folder / RECORD).read_bytes()
        records = RECORDS.validate_json(data)
    except (OSError, ValidationError):
        return {}
    as_written = rendered({name: record.model_dump() for name, record in records.items()})
    return records if data == as_written and all("/" not in name for name in records) else {}
