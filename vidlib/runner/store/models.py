"""The tables of the history. Times are seconds since 1970, UTC.

Runs, tasks, leases and downloads belong to one process while it works (see `vidlib.runner.store.identity`). The process
renews their ``heartbeat_at``.
"""

from pathlib import Path

from sqlalchemy import JSON, BigInteger, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from vidlib.ingest.urls import HANDLE_DIGITS

ACTIVE = ("waiting", "running")
ENDED = ("done", "failed", "refused", "skipped")
"""States of a task that ended by itself; the others are cancelled and interrupted."""

TO_COME = ("waiting", "downloading", "paused")
"""States of a download that has not ended; the others are known, done, failed, manual and cancelled."""


class Base(DeclarativeBase):
    """Tables of the history."""


class Project(Base):
    """One delivery: an archive, a folder or a single video, by the SHA-256 of its content."""

    __tablename__ = "projects"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    created_at: Mapped[float]


class Video(Base):
    """One file, by the SHA-256 of its bytes as it arrived; ``path`` is where it was last seen.

    ``duration_s`` is None for a file without a known length.
    """

    __tablename__ = "videos"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    path: Mapped[str]
    first_seen_at: Mapped[float]
    duration_s: Mapped[float | None]


class Run(Base):
    """One request to process some paths. ``status`` is running, interrupted, or a status of `RunResult`.

    ``params`` are the values in force for every step, and ``asked`` is the rest of the request. ``owner`` is the
    process that drives the run. ``cancel_requested`` asks it to stop. ``error`` is why the run broke off.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    paths: Mapped[list] = mapped_column(JSON)
    params: Mapped[dict] = mapped_column(JSON)
    asked: Mapped[dict] = mapped_column(JSON)
    owner: Mapped[str]
    heartbeat_at: Mapped[float]
    started_at: Mapped[float]
    finished_at: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None]


class Task(Base):
    """One step for one video, delivery or project in one run.

    ``label`` names the video, delivery or project for people, and ``stem`` is the name of a video's results. ``origin``
    is the path or link of the request, ``source`` the file or folder that the step reads, and ``params`` are the values
    in force. ``worker`` is the process that executes the task.

    ``progress`` is in [0, 1], and ``work_done`` of ``work_total`` is in the unit of the step. ``reason`` says why the
    step runs, waits or was skipped. ``error_type`` is the class of the last error. ``attempt`` counts the attempts, and
    the next one begins at ``not_before`` or later.
    """

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    project: Mapped[str]
    label: Mapped[str]
    sha256: Mapped[str] = mapped_column(index=True)
    step: Mapped[str]
    origin: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    stem: Mapped[str] = mapped_column(default="")
    params: Mapped[dict] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(default="waiting")
    cached: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None]
    folder: Mapped[str | None]
    error: Mapped[str | None]
    error_type: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[float] = mapped_column(default=0.0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    worker: Mapped[str | None]
    heartbeat_at: Mapped[float | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    work_done: Mapped[float | None]
    work_total: Mapped[float | None]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    @property
    def result_folder(self) -> Path:
        """The folder of the result of a task that is done."""
        if self.folder is None:
            raise ValueError(f"task {self.id} ({self.step}) is {self.status} and has no folder")
        return Path(self.folder)


class Lease(Base):
    """The right to make the result ``key`` (its folder below WORK); ``owner`` is None while no process has it.

    ``fence`` grows with every owner, and a process with an older number publishes nothing. Therefore a row is never
    removed.
    """

    __tablename__ = "leases"

    key: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int]
    owner: Mapped[str | None]
    heartbeat_at: Mapped[float]


class Event(Base):
    """One line in the log of a run; ``label`` and ``step`` name the task that it is about, if it is about one."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    at: Mapped[float]
    level: Mapped[str]
    message: Mapped[str]
    label: Mapped[str | None]
    step: Mapped[str | None]


class Download(Base):
    """A file that was offered under a link, and what became of it.

    ``url`` is the normalized link, and ``key`` its SHA-256. ``original_url`` is the link as it came. ``proxy_url`` is a
    copy that is tried first, and ``proxy_key`` its SHA-256. ``offered_at`` is the earliest known time of the offer.

    ``state`` is known (not started by itself), waiting, downloading, paused, done, failed, manual (a person is needed)
    or cancelled. ``asked`` is the state in which somebody asked the downloading process to leave it. ``worker`` is that
    process. ``file`` and ``sha256`` are the result, and ``rate`` is in bytes per second. ``attempts`` counts the
    attempts, and the next one begins at ``not_before`` or later.
    """

    __tablename__ = "downloads"

    key: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    original_url: Mapped[str]
    proxy_url: Mapped[str | None]
    proxy_key: Mapped[str | None] = mapped_column(index=True)
    provider: Mapped[str]
    name: Mapped[str | None]
    offered_at: Mapped[float]
    state: Mapped[str] = mapped_column(index=True)
    asked: Mapped[str | None]
    file: Mapped[str | None]
    sha256: Mapped[str | None] = mapped_column(index=True)
    error: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[float] = mapped_column(default=0.0)
    bytes_done: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes_total: Mapped[int | None] = mapped_column(BigInteger)
    rate: Mapped[float | None]
    worker: Mapped[str | None]
    heartbeat_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    @property
    def handle(self) -> str:
        """The name of the link where the link itself, which gives access, must not be (see `vidlib.ingest.urls`)."""
        return f"link-{self.key[:HANDLE_DIGITS]}"

    @property
    def links(self) -> tuple[str, ...]:
        """The links to the file, in the order in which they are tried."""
        return (self.proxy_url, self.original_url) if self.proxy_url else (self.original_url,)
