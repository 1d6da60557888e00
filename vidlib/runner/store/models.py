"""The tables of the history. Times are seconds since 1970, UTC."""

from sqlalchemy import JSON, BigInteger, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ACTIVE = ("waiting", "running")
ENDED = ("done", "failed", "refused", "skipped")
"""States of a task that came to its own end; the other ones are cancelled and interrupted."""


TO_COME = ("waiting", "downloading", "paused")
"""States of a download that is not over; the others are known, done, failed, manual and cancelled."""


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

    ``duration_s`` is None for one that says nothing of its length.
    """

    __tablename__ = "videos"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    path: Mapped[str]
    first_seen_at: Mapped[float]
    duration_s: Mapped[float | None]


class Run(Base):
    """One request to process some paths; ``status`` is running, interrupted, or as `RunResult` says.

    ``params`` are the values in force for every step, ``asked`` is the rest of the request. ``owner`` is the process
    that drives it (see `vidlib.runner.store.identity`), which renews ``beat_at``.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    paths: Mapped[list] = mapped_column(JSON)
    params: Mapped[dict] = mapped_column(JSON)
    asked: Mapped[dict] = mapped_column(JSON)
    owner: Mapped[str]
    beat_at: Mapped[float]
    started_at: Mapped[float]
    finished_at: Mapped[float | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None]


class Task(Base):
    """One step for one video or project (``subject``) in one run.

    ``origin`` is the path of the request that it comes from, ``source`` the file or folder that it is about, ``stem``
    what a video's results are called; ``params`` are the values in force. ``worker`` is the process that does it and
    renews ``beat_at``. ``progress`` is in [0, 1], ``work_done`` of ``work_total`` in the step's own unit. ``kind`` is
    the class of the last error, ``attempt`` counts the beginnings, the next one is not before ``not_before``.
    """

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    project: Mapped[str]
    subject: Mapped[str]
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
    kind: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[float] = mapped_column(default=0.0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    worker: Mapped[str | None]
    beat_at: Mapped[float | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    work_done: Mapped[float | None]
    work_total: Mapped[float | None]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]


class Lease(Base):
    """Who may make the result ``key`` (its folder below WORK) now; ``owner`` is None while nobody does.

    ``fence`` grows with every owner and never goes back: whoever holds an older number publishes nothing. A row stays
    for that reason.
    """

    __tablename__ = "leases"

    key: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int]
    owner: Mapped[str | None]
    beat_at: Mapped[float]


class Event(Base):
    """Something worth a line in the log of a run; ``subject`` and ``step`` say of what, where it is about one task."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    at: Mapped[float]
    level: Mapped[str]
    message: Mapped[str]
    subject: Mapped[str | None]
    step: Mapped[str | None]


class Download(Base):
    """A file that was offered under a link, and what became of it.

    ``url`` is the link in its one spelling, ``key`` the SHA-256 of that, ``original_url`` the link as it came,
    ``proxy_url`` a copy that is asked first, ``proxy_key`` as ``key`` for that. ``offered_at`` is the earliest time
    that anybody named. ``state`` is known (never started by itself), waiting, downloading, paused, done, failed, manual
    (a person is needed) or cancelled; ``asked`` is the state that whoever downloads it is asked to leave it in.
    ``file`` and ``sha256`` are what came, ``rate`` is in bytes per second. ``worker`` downloads it and renews
    ``beat_at``; ``attempts`` counts the beginnings, the next one is not before ``not_before``.
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
    beat_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    @property
    def links(self) -> tuple[str, ...]:
        """Where the file is to be had, in the order in which it is tried."""
        return (self.proxy_url, self.original_url) if self.proxy_url else (self.original_url,)
