"""What is opened elsewhere has every method that is had here, called alike and answering alike."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, get_type_hints

import pytest

from staging_core import Acting, Remote, Staging
from staging_core.acting import Images, Jobs, Projects, Uploads
from staging_core.acting.account import Account
from staging_core.acting.billing import Billing
from staging_core.acting.webhooks import Webhooks
from staging_core.api_keys import ApiKeys
from staging_core.profile import OwnProfile
from staging_core.remote.account import RemoteAccount
from staging_core.remote.billing import RemoteBilling
from staging_core.remote.images import RemoteImages
from staging_core.remote.jobs import RemoteJobs
from staging_core.remote.keys import RemoteApiKeys
from staging_core.remote.profile import RemoteProfile
from staging_core.remote.projects import RemoteProjects
from staging_core.remote.tickets import RemoteTickets
from staging_core.remote.uploads import RemoteUploads
from staging_core.remote.webhooks import RemoteWebhooks
from staging_core.tickets import Tickets

from .conftest import Open

PAIRS = [
    (Acting, Remote),
    (Account, RemoteAccount),
    (ApiKeys, RemoteApiKeys),
    (Billing, RemoteBilling),
    (Images, RemoteImages),
    (Jobs, RemoteJobs),
    (OwnProfile, RemoteProfile),
    (Projects, RemoteProjects),
    (Tickets, RemoteTickets),
    (Uploads, RemoteUploads),
    (Webhooks, RemoteWebhooks),
]
OURS = {("RemoteUploads", "send")}
"""What only serves a method beside it."""


def methods(kind: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("_") and (kind.__name__, name) not in OURS
    }


@pytest.mark.parametrize(("here", "there"), PAIRS, ids=lambda kind: kind.__name__)
def test_every_method_is_there_with_the_same_arguments_and_answers(here: type, there: type) -> None:
    assert methods(here).keys() == methods(there).keys()
    for name, method in methods(here).items():
        other = methods(there)[name]
        assert inspect.signature(other, eval_str=False).parameters.keys() == (
            inspect.signature(method, eval_str=False).parameters.keys()
        ), name
        for one, two in zip(
            inspect.signature(method).parameters.values(),
            inspect.signature(other).parameters.values(),
            strict=True,
        ):
            assert (one.kind, one.default) == (two.kind, two.default), (name, one.name)
        assert get_type_hints(inspect.unwrap(method)) == get_type_hints(inspect.unwrap(other)), name


def test_every_noun_is_there_and_is_compared(house: Open) -> None:
    async def scenario() -> None:
        async with house() as at, Staging.connect(at.url, token=at.token) as me:
            nouns = {name: value for name, value in vars(at.me).items() if name[0] != "_"}
            assert nouns.keys() == {name for name in vars(me) if name[0] != "_"}
            del nouns["principal"]
            kinds = [(type(value), type(getattr(me, name))) for name, value in nouns.items()]
            assert {*kinds, (Acting, Remote)} == set(PAIRS)

    asyncio.run(scenario())
