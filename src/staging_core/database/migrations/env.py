"""Alembic's entry: runs on the connection that ``schema.upgrade`` hands over."""

from alembic import context

from staging_core.database.schema import VERSION_TABLE
from staging_core.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=lambda name, kind, _parents: kind != "table" or str(name).startswith("staging_"),
)
context.run_migrations()
