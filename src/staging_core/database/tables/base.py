"""What all tables have in common."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Json = sa.JSON().with_variant(JSONB(), "postgresql")


def id_column(name: str = "id", **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False, **options)  # type: ignore[arg-type]


def account_column() -> sa.Column[str]:
    return sa.Column(
        "account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), nullable=False
    )


def time_column(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


THERE = "deleted_at IS NULL"


def index(name: str, *columns: str, only: str | None = None) -> sa.Index:
    """An index of all rows, or of those for which ``only`` holds."""
    where = None if only is None else sa.text(only)
    return sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)
