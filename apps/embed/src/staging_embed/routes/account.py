"""The account as a whole: taken along, or deleted."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

from msgspec import Meta, Struct

from staging_embed.access import member
from staging_embed.answer import Media, Stream
from staging_embed.call import Call
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

account = Routes("account")
# The library asks for an admin, unless the account is the person's own.
_admin = member("account:admin")


class Confirmation(Struct, frozen=True, kw_only=True):
    """That it is meant: the id of the account, as `GET /me` tells it."""

    confirm: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            description="The id of the account, as `GET /me` tells it: that it is meant.",
        ),
    ]


class Closing(Struct, frozen=True, kw_only=True):
    """An account that is being deleted, and since when."""

    account_id: str
    closing_at: str


@account.post(
    "/account/export",
    _admin,
    result=Media(("application/zip",)),
    streams="exports",
    headers={"Content-Disposition": "What the file is called."},
)
async def export_account(call: Call) -> Stream:
    """Everything that the account has here as one zip file, made while it is sent.

    The rows of every table as JSON lines, without secrets, and the original and staged pictures.
    For admins of the account; in one that is a person's own, for that person. It breaks off as a
    project's archive does.
    """
    chunks = await call.me.account.export()
    headers = {
        "content-type": "application/zip",
        "content-disposition": 'attachment; filename="account.zip"',
    }
    return Stream(200, headers, nullcontext(chunks))


@account.delete("/account", _admin, status=202)
async def delete_account(call: Call, query: Confirmation) -> Closing:
    """Delete the account and everything in it.

    From now on nobody signs in to it, its keys open nothing, and nothing new is accepted; jobs are
    cancelled, and pictures and rows go within minutes. Who signs in after that gets a new, empty
    account. For the same as the export.
    """
    since = await call.me.account.delete(confirm=query.confirm)
    return Closing(account_id=call.principal.account_id, closing_at=rfc3339(since))
