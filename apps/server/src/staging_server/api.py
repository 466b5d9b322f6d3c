"""The service's application: everything that the API has, over one installation."""

from __future__ import annotations

from staging_core import Credentials, Principal, Staging
from staging_core.errors import Unauthorized
from staging_embed import StagingApp, staging_app
from staging_embed.identity import PrincipalOf
from staging_embed.routes import GROUPS


def hosted_api(staging: Staging) -> StagingApp:
    """The API over ``staging``, which whoever serves it opens first.

    Who calls is for the installation's own ``auth`` to say. The OpenAPI document and its page are
    served where the setting ``api_docs`` says so.
    """
    hidden = set() if shows_docs(staging) else {"documentation"}
    return staging_app(
        staging, principal=_signing_in(staging), include=GROUPS.keys(), exclude=hidden
    )


def _signing_in(staging: Staging) -> PrincipalOf:
    """The installation's own; where it takes no tokens at all, whoever sends one is told so."""
    if staging.settings.auth != ("local:",):
        return staging.authenticate

    async def local(credentials: Credentials) -> Principal | None:
        if credentials.bearer is not None:
            raise Unauthorized(
                "No token is taken here: whoever sits at this machine needs none.",
                remedy="Send none, or set STAGING_AUTH (to `keys:` or an issuer) where others are "
                "to come in.",
            )
        return await staging.authenticate(credentials)

    return local


def shows_docs(staging: Staging) -> bool:
    """Whether there is a page to try it on; by default for an installation on one machine only."""
    told = staging.settings.api_docs
    return is_local(staging) if told is None else told


def is_local(staging: Staging) -> bool:
    """Whether whoever sits at this machine is the owner, without signing in."""
    return "local:" in staging.settings.auth
