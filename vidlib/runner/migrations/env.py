"""Runs migrations on the history: one transaction for all of them, so that two processes that start together agree."""

from alembic import context

from vidlib.runner.history import Base, _engine

engine = _engine(context.config.attributes["url"])
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
    context.run_migrations()
engine.dispose()
