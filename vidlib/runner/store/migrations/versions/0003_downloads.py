"""Downloads: every link that was ever offered, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "downloads",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("original_url", sa.String(), nullable=False),
        sa.Column("proxy_url", sa.String()),
        sa.Column("proxy_key", sa.String(), index=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("offered_at", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False, index=True),
        sa.Column("asked", sa.String()),
        sa.Column("file", sa.String()),
        sa.Column("sha256", sa.String(), index=True),
        sa.Column("error", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), nullable=False),
        sa.Column("bytes_total", sa.BigInteger()),
        sa.Column("rate", sa.Double()),
        sa.Column("worker", sa.String()),
        sa.Column("beat_at", sa.Double()),
        sa.Column("finished_at", sa.Double()),
    )


def downgrade() -> None:
    op.drop_table("downloads")
