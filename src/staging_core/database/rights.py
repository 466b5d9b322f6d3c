"""Who may see which rows on PostgreSQL: roles, grants and policies, made from the tables.

Every table with an account gets two policies: *app* sees the rows of the account that its
transaction names, *system* sees all of them (by its own policy, not by a right to ignore them).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from staging_core.config import Settings
from staging_core.errors import SchemaOutdated, SettingError

from .tables import accounts, audit_log, gates, metadata, spend_days

_OWN = "{column} = nullif(current_setting('staging.account', true), '')"
_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
# What was done stays as it was told; only the engine drops what is too old.
_APPENDED = ("SELECT, INSERT", "SELECT, INSERT, DELETE")
_BY_HAND = "Let an administrator run what `staging db upgrade --sql` prints, then try again."


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """The names of the two roles, and of the login that takes them."""

    app: str
    system: str
    login: str

    @classmethod
    def of(cls, settings: Settings) -> Roles:
        """As the settings name them; ``SettingError`` for a name that would need quoting."""
        login = make_url(settings.database).username
        if not login:
            raise SettingError(
                "The setting `database` names no login.",
                remedy="Write it as postgresql+asyncpg://USER@HOST/NAME.",
            )
        roles = cls(
            app=checked_name(settings.database_app_role, "database_app_role"),
            system=checked_name(settings.database_system_role, "database_system_role"),
            login=login,
        )
        if roles.app == roles.system:
            raise SettingError("The settings `database_app_role` and `database_system_role` agree.")
        return roles

    def both(self) -> tuple[str, str]:
        """App, system."""
        return (self.app, self.system)


def checked_name(name: str, setting: str) -> str:
    """The name itself; ``SettingError`` unless it needs no quoting and is not the server's own."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name) or name.startswith("pg_"):
        raise SettingError(
            f"The setting `{setting}` is not a plain name: {name!r}.",
            remedy="Use small letters, digits and _, at most 63, not beginning with pg_.",
        )
    return name


def account_tables() -> dict[str, str]:
    """Every table that has rows of accounts, with the column that says whose."""
    found = {
        name: "account_id" for name, table in metadata.tables.items() if "account_id" in table.c
    }
    return {accounts.name: "id", **found}


# --- roles ----------------------------------------------------------------------------------------


def role_statements(roles: Roles, *, version: int) -> list[str]:
    """What makes the roles and lets the login take them, for PostgreSQL of a major version.

    The login takes them, and has none of their rights until it does.
    """
    made = [f"CREATE ROLE {role} NOLOGIN" for role in roles.both()]
    return [*made, *(_membership(roles, role, version) for role in roles.both())] + (
        [] if version >= 16 else [f"ALTER ROLE {_quoted(roles.login)} NOINHERIT"]
    )


def _membership(roles: Roles, role: str, version: int) -> str:
    how = " WITH INHERIT FALSE, SET TRUE" if version >= 16 else ""
    return f"GRANT {role} TO {_quoted(roles.login)}{how}"


async def make_roles(connection: AsyncConnection, roles: Roles) -> None:
    """Make the roles that are missing; ``SettingError`` where the owner may not."""
    version = await server_version(connection)
    there = await connection.scalars(sa.text("SELECT rolname FROM pg_roles"))
    if roles.login not in (names := set(there)):
        raise SettingError(
            f"The login {roles.login!r} of the setting `database` is not there.",
            remedy="Make it: CREATE ROLE ... LOGIN PASSWORD ..., without further rights.",
        )
    try:
        for role in roles.both():
            if role not in names:
                await connection.exec_driver_sql(_unless_there(f"CREATE ROLE {role} NOLOGIN"))
            if not await _may(connection, roles.login, role, "SET" if version >= 16 else "MEMBER"):
                await connection.exec_driver_sql(_membership(roles, role, version))
        if await _may(connection, roles.login, roles.system, "USAGE"):
            await _take_inherited(connection, roles, version)
    except DBAPIError as wrong:
        if getattr(wrong.orig, "sqlstate", "") != "42501":
            raise
        raise SettingError(
            "The database's owner may not make the roles.", remedy=_BY_HAND
        ) from wrong


async def _take_inherited(connection: AsyncConnection, roles: Roles, version: int) -> None:
    if version < 16:
        # Here a login inherits all or nothing, and an owner needs what it inherits.
        if roles.login != await connection.scalar(sa.text("SELECT session_user")):
            await connection.exec_driver_sql(f"ALTER ROLE {_quoted(roles.login)} NOINHERIT")
        return
    for role in roles.both():
        await connection.exec_driver_sql(_membership(roles, role, version))


def _unless_there(statement: str) -> str:
    """Roles belong to the whole server: another database may have made them just now."""
    there = "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL"
    return f"DO $$ BEGIN {statement}; {there}; END $$"


# --- grants and policies --------------------------------------------------------------------------


async def grant(connection: AsyncConnection, roles: Roles, *, version_table: str) -> None:
    """Give the roles their rights on every table, and put the policies up; repeating is safe.

    A provider's gates are nobody's, and each job that leaves one tells how it went; nor is the sum
    of what a day's attempts cost.
    """
    schema = await connection.scalar(sa.text("SELECT current_schema()"))
    both = ", ".join(roles.both())
    held = account_tables()
    await connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{schema}" TO {both}')
    await connection.exec_driver_sql(f"GRANT SELECT ON {version_table} TO {both}")
    for name in metadata.tables:
        for role, right in _rights(name, roles, is_held=name in held):
            await connection.exec_driver_sql(f"GRANT {right} ON {name} TO {role}")
    there = await _policies(connection)
    for name, column in held.items():
        if there.get(name) != {"staging_app": [roles.app], "staging_system": [roles.system]}:
            for statement in _policy_statements(name, column, roles):
                await connection.exec_driver_sql(statement)
    for name in await _unguarded(connection):
        await connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        await connection.exec_driver_sql(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")


def _rights(table: str, roles: Roles, *, is_held: bool) -> Iterator[tuple[str, str]]:
    """Who may do what with a table."""
    if table == audit_log.name:
        yield from zip(roles.both(), _APPENDED, strict=True)
        return
    yield roles.system, _RIGHTS
    if is_held or table in (gates.name, spend_days.name):
        yield roles.app, _RIGHTS


async def release_owner(connection: AsyncConnection) -> None:
    """Let migrations see rows until ``grant`` in the same transaction: policies hold owners too."""
    guarded = set(account_tables()) - set(await _unguarded(connection))
    for name in guarded & await _tables(connection):
        await connection.exec_driver_sql(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")


def _policy_statements(table: str, column: str, roles: Roles) -> Iterator[str]:
    own = _OWN.format(column=column)
    for name, role, rows in (
        ("staging_app", roles.app, own),
        ("staging_system", roles.system, "true"),
    ):
        yield f"DROP POLICY IF EXISTS {name} ON {table}"
        yield f"CREATE POLICY {name} ON {table} TO {role} USING ({rows}) WITH CHECK ({rows})"


async def _policies(connection: AsyncConnection) -> dict[str, dict[str, list[str]]]:
    rows = await connection.execute(
        sa.text(
            "SELECT tablename, policyname, roles::text[] FROM pg_policies"
            " WHERE schemaname = current_schema()"
        )
    )
    found: dict[str, dict[str, list[str]]] = {}
    for table, policy, whom in rows:
        found.setdefault(table, {})[policy] = list(whom)
    return found


async def _tables(connection: AsyncConnection) -> set[str]:
    return set(
        await connection.scalars(
            sa.text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        )
    )


async def _unguarded(connection: AsyncConnection) -> list[str]:
    """Account tables whose policies do not hold everybody."""
    guarded = set(
        await connection.scalars(
            sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
                " AND relrowsecurity AND relforcerowsecurity"
            )
        )
    )
    return [name for name in account_tables() if name not in guarded]


# --- what a login may be --------------------------------------------------------------------------


async def check(connection: AsyncConnection, roles: Roles) -> str:
    """``SettingError`` unless policies hold this login and both roles, and it may take them.

    Gives a sentence for ``staging doctor``.
    """
    version = await server_version(connection)
    login = str(await connection.scalar(sa.text("SELECT session_user")))
    await _check_held(connection, (login, *roles.both()))
    may_inherit = version < 16 and await _owns(connection, login)
    for role in roles.both():
        if not await _may(connection, login, role, "SET" if version >= 16 else "MEMBER"):
            raise SettingError(
                f"The login {login!r} may not take the role {role!r}.",
                remedy="Run `staging db upgrade` with this login in the setting `database`.",
            )
        if not may_inherit and await _may(connection, login, role, "USAGE"):
            raise SettingError(
                f"The login {login!r} has the rights of the role {role!r} without taking it.",
                remedy="Run `staging db upgrade`, which grants the role without inheritance.",
            )
    if await _may(connection, roles.app, roles.system, "MEMBER"):
        raise SettingError(
            f"The role {roles.app!r} is a member of {roles.system!r}.",
            remedy=f"REVOKE {roles.system} FROM {roles.app}.",
        )
    if (open_tables := set(await _unguarded(connection)) & await _tables(connection)) != set():
        raise SchemaOutdated(f"No policy holds the rows of {min(open_tables)}.")
    return f"PostgreSQL {version}, login {login}, roles {roles.app} and {roles.system}"


async def _check_held(connection: AsyncConnection, names: tuple[str, ...]) -> None:
    rows = await connection.execute(
        sa.text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = ANY(:names)"),
        {"names": list(names)},
    )
    known = {name: (superuser, bypasses) for name, superuser, bypasses in rows}
    for name in names:
        if name not in known:
            raise SchemaOutdated(f"The database has no role {name!r}.")
        superuser, bypasses = known[name]
        if superuser or bypasses:
            right = "is a superuser" if superuser else "has BYPASSRLS"
            raise SettingError(
                f"The role {name!r} {right}, so no policy would keep accounts apart.",
                remedy="Name a login without rights of its own in the setting `database`, and the "
                "owner in `database_admin`.",
            )


async def _may(connection: AsyncConnection, who: str, role: str, how: str) -> bool:
    asked = sa.text("SELECT pg_has_role(cast(:who AS name), cast(:role AS name), :how)")
    return bool(await connection.scalar(asked, {"who": who, "role": role, "how": how}))


async def _owns(connection: AsyncConnection, login: str) -> bool:
    """Whether the login is also the owner: one URL for both."""
    owner = sa.text(
        "SELECT tableowner FROM pg_tables"
        " WHERE schemaname = current_schema() AND tablename = :accounts"
    )
    return bool(login == await connection.scalar(owner, {"accounts": accounts.name}))


async def server_version(connection: AsyncConnection) -> int:
    """The server's major version."""
    return int(await connection.scalar(sa.text("SHOW server_version_num"))) // 10_000


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
