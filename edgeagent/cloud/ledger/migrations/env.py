"""Run by alembic: brings the ledger at the connection that it is given up to date."""

from alembic import context

from edgeagent.cloud.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
