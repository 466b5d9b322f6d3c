"""Making and revoking API keys within a transaction, each act in the audit log."""

from __future__ import annotations

from collections.abc import Collection
from uuid import uuid4

from .database import api_keys, audit_log, users
from .database.engine import Transaction
from .errors import ValidationFailed
from .models import Actor, ApiKey, NewApiKey
from .models.secret_token import KEY_PREFIX, digest_of, new_token, shown_part

_LONGEST_NAME = 255
_LONGEST_S = 10 * 366 * 86_400.0


def check_key(name: str, expires_in_s: float | None) -> None:
    """``ValidationFailed`` names what of a new key cannot be."""
    wrong = {}
    if not users.is_plain(name, _LONGEST_NAME):
        wrong["name"] = f"is a text of 1 to {_LONGEST_NAME} characters that can be seen."
    if expires_in_s is not None and not 0 < expires_in_s <= _LONGEST_S:
        wrong["expires_in_s"] = f"is more than 0 and at most {_LONGEST_S:.0f}."
    if wrong:
        raise ValidationFailed(fields=wrong)


async def make_key(
    tx: Transaction,
    actor: Actor,
    *,
    account_id: str,
    user_id: str,
    name: str,
    scopes: Collection[str],
    expires_at: float | None,
    made_by: str | None = None,
) -> NewApiKey:
    """A new key of that user, who is there; only its hash is kept."""
    secret = new_token(KEY_PREFIX)
    key_id = str(uuid4())
    await api_keys.add(
        tx,
        id=key_id,
        account_id=account_id,
        user_id=user_id,
        name=name,
        prefix=shown_part(secret, KEY_PREFIX),
        digest=digest_of(secret),
        scopes=sorted(scopes),
        expires_at=expires_at,
        made_by=made_by,
    )
    key = await api_keys.get(tx, account_id, key_id, user_id=None)
    await audit_log.add(
        tx,
        "key.created",
        actor,
        target=key_id,
        account_id=account_id,
        after={
            "prefix": key.prefix,
            "scopes": list(key.scopes),
            "expires_at": key.expires_at,
        },
    )
    return NewApiKey(key=key, secret=secret)


async def revoke_key(tx: Transaction, actor: Actor, key: ApiKey) -> None:
    """The key and all that were made with it open nothing from now on."""
    made = await api_keys.made_with(tx, key.account_id, key.id)
    for each in [*([] if key.revoked_at is not None else [key]), *made]:
        await api_keys.revoke(tx, each.account_id, each.id)
        await audit_log.add(
            tx,
            "key.revoked",
            actor,
            target=each.id,
            account_id=each.account_id,
            before={"user_id": each.user_id, "prefix": each.prefix},
        )
