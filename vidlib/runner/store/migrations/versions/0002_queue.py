"""The queue: who owns a run or a task, what it is about, leases; what a video's length is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_IN_TASKS = (
    sa.Column("origin", sa.String(), nullable=False, server_default=""),
    sa.Column("source", sa.String(), nullable=False, server_default=""),
    sa.Column("stem", sa.String(), nullable=False, server_default=""),
    sa.Column("params", sa.JSON(), nullable=False, server_default="{}"),
    sa.Column("kind", sa.String()),
    sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("not_before", sa.Double(), nullable=False, server_default="0"),
    sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("worker", sa.String()),
    sa.Column("beat_at", sa.Double()),
    sa.Column("work_done", sa.Double()),
    sa.Column("work_total", sa.Double()),
)
NEW_IN_RUNS = (
    sa.Column("asked", sa.JSON(), nullable=False, server_default="{}"),
    # nobody of that time can still own a run: it is taken for interrupted
    sa.Column("owner", sa.String(), nullable=False, server_default="unknown/unknown/0/0"),
    sa.Column("beat_at", sa.Double(), nullable=False, server_default="0"),
)


def upgrade() -> None:
    for column in NEW_IN_TASKS:
        op.add_column("tasks", column)
    for column in NEW_IN_RUNS:
        op.add_column("runs", column)
    for name in ("host", "pid", "pid_started_at"):
        op.drop_column("runs", name)
    op.add_column("videos", sa.Column("duration_s", sa.Double()))
    for name in ("subject", "step"):
        op.add_column("events", sa.Column(name, sa.String()))
    op.create_table(
        "leases",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String()),
        sa.Column("beat_at", sa.Double(), nullable=False),
    )
