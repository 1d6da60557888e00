"""Tables from the results archive, for videos whose finished steps are no longer in the workspace."""

from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.results import archive_index, frames
from vidlib.results.exports import rttm
from vidlib.timeline import Turns

if TYPE_CHECKING:
    import pyarrow as pa


def table(archive_dir: Path, sha256: str, name: str) -> "pa.Table | None":
    """The table ``name`` of the newest archived results of a video; None if the archive does not hold it.

    ``sha256`` is that of the file as it arrived or as it was delivered. Raises BrokenOutput if a file is damaged.
    """
    entries = archive_index.entries_of(archive_dir, sha256)
    files = entries[0].results if entries else {}
    if name == "shots" and "shots_json" in files:
        return frames.shots(files["shots_json"])
    if name == "people" and "people" in files:
        return frames.people(files["people"])
    if name == "shots" and "shots_csv" in files:
        return frames.shots_of_list(files["shots_csv"])
    if name == "turns" and "rttm" in files:
        return frames.turns(files["rttm"])
    if name == "words" and files.keys() & {"words", "captions"}:
        turns = rttm.read(files["rttm"]) if "rttm" in files else Turns()
        return frames.words(files.get("words"), files.get("captions"), turns)
    if name in ("tracks", "blendshapes") and "tracking_parquet" in files:
        return frames.tracks(files["tracking_parquet"], name)
    return None
