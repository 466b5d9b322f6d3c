"""What ``staging doctor`` looks at in Replicate: the address, the token, the model, the secret."""

from __future__ import annotations

from staging_core.models import Inspected

from .account import Account
from .refusal import FAILING, told
from .transport import Rejected

_REFUSED = {
    401: ("The token is not accepted", "Set REPLICATE_API_TOKEN to a valid token."),
    403: ("The token may not do this", "Use a token of an account that has access."),
    404: ("It is not there", "Run `staging models verify`, and check REPLICATE_BASE_URL."),
}


async def inspect_account(
    account: Account, model: str, *, api: str, has_secret: bool
) -> tuple[Inspected, ...]:
    """Reads only: nothing is created. ``has_secret``: of callbacks, set by a variable."""
    known = await _model(account, model, api)
    if known.level == "wrong" or has_secret:
        return (known,)
    return (known, await _secret(account))


async def _model(account: Account, model: str, api: str) -> Inspected:
    owner, _, name = model.partition("/")
    try:
        await account.model(owner, name)
    except FAILING as error:
        return _wrong("model", error, api)
    return Inspected(name="model", level="ok", message=f"{api} takes the token and has {model}")


async def _secret(account: Account) -> Inspected:
    try:
        await account.callback_secret()
    except FAILING as error:
        return _wrong("secret", error, "The secret of callbacks")
    return Inspected(name="secret", level="ok", message="the account gives out its callbacks' one")


def _wrong(name: str, error: Exception, subject: str) -> Inspected:
    status = error.status if isinstance(error, Rejected) else 0
    what, remedy = _REFUSED.get(
        status,
        (
            "It gives no useful answer",
            "Check REPLICATE_BASE_URL, the network and Replicate's status.",
        ),
    )
    message = f"{subject}: {what[0].lower()}{what[1:]} ({told(error)})."
    return Inspected(name=name, level="wrong", message=message, remedy=remedy)
