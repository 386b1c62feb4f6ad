"""Read by Alembic: where the steps are taken. The connection comes from `upgrade`, and so does the transaction."""

from alembic import context

from pixel_agent.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
