"""Runs all migrations of the history in one transaction, so that processes that start together do not collide."""

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
