"""Runs migrations on the history: one transaction for all of them, so that two processes that start together agree."""

from alembic import context

from vidlib.runner.store.database import MIGRATION_LOCK, open_engine
from vidlib.runner.store.models import Base

engine = open_engine(context.config.attributes["url"])
with engine.begin() as connection:
    if connection.dialect.name == "postgresql":  # SQLite's transactions exclude each other anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
    context.run_migrations()
engine.dispose()
