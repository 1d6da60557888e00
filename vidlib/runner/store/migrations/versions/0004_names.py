"""Names that other projects use: heartbeats, labels, error types. No value changes."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RENAMED = (
    ("runs", "beat_at", "heartbeat_at"),
    ("tasks", "beat_at", "heartbeat_at"),
    ("leases", "beat_at", "heartbeat_at"),
    ("downloads", "beat_at", "heartbeat_at"),
    ("tasks", "subject", "label"),
    ("events", "subject", "label"),
    ("tasks", "kind", "error_type"),
)
"""Table, old column, new column."""


def upgrade() -> None:
    for table, old, new in RENAMED:
        _rename(table, old, new)


def downgrade() -> None:
    for table, old, new in RENAMED:
        _rename(table, new, old)


def _rename(table: str, old: str, new: str) -> None:
    # both databases rename a column in place; Alembic's own operation would copy the whole table on SQLite
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
