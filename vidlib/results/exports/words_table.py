"""``words.parquet``: a row for each word of one video, in order of time.

Columns are ``start_s``, ``stop_s``, ``text``, ``speaker`` (null where nobody is known to speak) and ``confidence``
(null where the engine gives none). The file's metadata has the language.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidlib.errors import BrokenOutput
from vidlib.files import atomic_write
from vidlib.timeline import Segment, Turns, Word, nearby

if TYPE_CHECKING:
    import pyarrow as pa

LANGUAGE = b"vidlib_language"
"""Key of the file's metadata for the language of most words: a code such as ``fr``, or empty."""


def write(path: Path, words: Iterable[Word], language: str = "") -> Path:
    """Write ``words``, in order of time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [vars(word) for word in words]
    with atomic_write(path, "wb") as file:
        pq.write_table(pa.Table.from_pylist(rows, _schema(language)), file, compression="zstd")
    return path


def read(path: Path) -> list[Word]:
    """The words in ``path``; raises BrokenOutput for a file of another form."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [Word(**row) for row in pq.read_table(path, schema=_schema()).to_pylist()]
    except (OSError, pa.ArrowInvalid) as error:
        raise BrokenOutput(f"{path} is not a table of words: {error}") from error


def read_language(path: Path) -> str:
    """The language that `write` recorded in ``path``."""
    import pyarrow.parquet as pq

    return (pq.read_schema(path).metadata or {}).get(LANGUAGE, b"").decode()


def with_speakers(words: Sequence[Word], turns: Turns) -> list[Word]:
    """The words with the speakers of corrected ``turns``: a label that is still heard during its word stays."""
    corrected = []
    for word, around in zip(words, nearby([Segment(w.start_s, w.stop_s) for w in words], turns), strict=True):
        speaker = word.speaker
        if speaker not in around.speakers:
            speaker = around.dominant_speaker(Segment(word.start_s, word.stop_s))
        corrected.append(Word(word.start_s, word.stop_s, word.text, speaker, word.confidence))
    return corrected


def _schema(language: str = "") -> "pa.Schema":
    import pyarrow as pa

    required = {"start_s": pa.float64(), "stop_s": pa.float64(), "text": pa.string()}
    optional = {"speaker": pa.string(), "confidence": pa.float64()}
    fields = [pa.field(name, type_, nullable=False) for name, type_ in required.items()]
    fields += [pa.field(name, type_) for name, type_ in optional.items()]
    return pa.schema(fields, {LANGUAGE: language.encode()})
