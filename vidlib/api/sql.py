"""Read-only SQL over results: DuckDB on Arrow tables, without access to files."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from vidlib.api.results import VideoResults, parts_of, tracks_file
from vidlib.errors import UsageError
from vidlib.results import frames

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset as ds

Readers = Mapping[str, "Callable[[], pa.Table | ds.Dataset]"]

FRAMES_FROM_0 = "CREATE VIEW tracks AS SELECT * REPLACE (CAST(frame - 1 AS INTEGER) AS frame) FROM tracks_from_1"
"""The files count frames from 1."""

LOCKED = """
SET enable_external_access = false;
SET python_enable_replacements = false;
SET lock_configuration = true;
"""
"""From here on the connection reaches no file, no network, no extension and no Python variable."""


def select(query: str, params: Sequence[object] | Mapping[str, object] | None, readers: Readers) -> "pd.DataFrame":
    """The rows of one SELECT over the tables of ``readers``, of which those that it names are read.

    Raises UsageError for anything but one SELECT, and for a query that DuckDB refuses.
    """
    import duckdb

    with duckdb.connect() as connection:
        try:
            _check(query)
            for name, read in readers.items():
                if re.search(rf"\b{name}\b", query, re.IGNORECASE):
                    _register(connection, name, read())
            connection.execute(LOCKED)
            return frames.to_pandas(connection.sql(query, params=params).to_arrow_table())
        except duckdb.Error as error:
            raise UsageError(f"the query on the tables {', '.join(readers)} failed: {error}") from error


def _check(query: str) -> None:
    import duckdb

    kinds = [statement.type for statement in duckdb.extract_statements(query)]
    readable = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(kinds) != 1 or kinds[0] not in readable:
        kinds_shown = ", ".join(kind.name for kind in kinds) or "nothing"
        raise UsageError(f"the query is {kinds_shown}; expected one SELECT: the tables can only be read")


def _register(connection: "duckdb.DuckDBPyConnection", name: str, table: "pa.Table | ds.Dataset") -> None:
    if name == "tracks":
        connection.register("tracks_from_1", table)
        connection.execute(FRAMES_FROM_0)
    else:
        connection.register(name, table)


def tracks_dataset(sets: Iterable[VideoResults]) -> "ds.Dataset":
    """The tracking tables of ``sets`` as one: a query reads only the columns, and the videos, that it names.

    Frames count from 1, as in the files.
    """
    import pyarrow.dataset as ds
    from pyarrow.fs import LocalFileSystem

    parquet, disk = ds.ParquetFileFormat(), LocalFileSystem()

    def fragment(results: VideoResults) -> "ds.ParquetFileFragment":
        whose = (ds.field("sha256") == results.sha256) & (ds.field("video") == results.name)
        return parquet.make_fragment(tracks_file(results), disk, partition_expression=whose)

    fragments = list(parts_of(sets, fragment))
    return ds.FileSystemDataset(fragments, frames.schema("tracks", workspace=True), parquet, disk)
