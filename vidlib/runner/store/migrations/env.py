"""Runs all migrations of the history in one transaction, so that processes that start together do not collide."""

from alembic import context

from vidlib.runner.store.database import one_migration, open_engine
from vidlib.runner.store.models import Base

engine = open_engine(context.config.attributes["url"])
with engine.begin() as connection:
    one_migration(connection)
    context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
    context.run_migrations()
engine.dispose()
