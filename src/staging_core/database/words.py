"""Words by which images are found again: of the photo's file name, and of the prompt.

A word is searched for by its beginning. Each image's words are rows in the order of the images, so
a search reads a few ranges of an index, however many images there are. Weak spot: of a beginning
that fits very many different words only the first ``MOST_WORDS`` are looked at.
"""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa

from staging_core.errors import ValidationFailed

from .engine import Transaction
from .tables import images, words

MOST_WORDS = 50
_MOST_OF_IMAGE = 40
_MOST_ASKED = 8
_LENGTH = range(2, 41)
_WORD = re.compile(r"[^\W_]+")
_LAST = "\U0010ffff"


def words_of(*texts: str | None) -> list[str]:
    """The different words of the texts, in their order, as they are compared."""
    found = [
        word
        for text in texts
        for word in _WORD.findall(unicodedata.normalize("NFKC", text or "").casefold())
    ]
    return [word[: _LENGTH.stop - 1] for word in dict.fromkeys(found) if len(word) >= _LENGTH.start]


def asked_for(search: str) -> list[str]:
    """The words of a search, the longest first; ``ValidationFailed`` for none or too many."""
    found = words_of(search)
    if not 1 <= len(found) <= _MOST_ASKED:
        least = _LENGTH.start
        told = f"A search has 1 to {_MOST_ASKED} words of at least {least} letters or digits."
        raise ValidationFailed(told, fields={"search": told})
    return sorted(found, key=len, reverse=True)


async def add(tx: Transaction, account_id: str, image_id: str, *texts: str | None) -> None:
    """The image, made in this transaction, is found by these texts from now on."""
    rows = [
        {"account_id": account_id, "word": word, "created_at": tx.now, "image_id": image_id}
        for word in words_of(*texts)[:_MOST_OF_IMAGE]
    ]
    if rows:
        await tx.execute(sa.insert(words), rows)


async def forget(tx: Transaction, image_id: str) -> None:
    """The image is deleted."""
    await tx.execute(sa.delete(words).where(words.c.image_id == image_id))


async def beginning_with(tx: Transaction, account_id: str, beginning: str) -> list[str]:
    """The account's words that begin so, at most ``MOST_WORDS``, each by one look at an index."""
    mine = sa.select(sa.func.min(words.c.word).label("word")).where(
        words.c.account_id == account_id, words.c.word < beginning + _LAST
    )
    found = mine.where(words.c.word >= beginning).cte("found", recursive=True)
    following = mine.where(words.c.word > found.c.word).scalar_subquery()
    found = found.union_all(sa.select(following).where(found.c.word.is_not(None)))
    query = sa.select(found.c.word).where(found.c.word.is_not(None)).limit(MOST_WORDS)
    return [row["word"] for row in await tx.rows(query)]


def also(beginning: str) -> sa.ColumnElement[bool]:
    """Whether one of an image's words begins so."""
    other = words.alias()
    found = sa.select(other.c.word).where(
        other.c.image_id == images.c.id,
        other.c.word >= beginning,
        other.c.word < beginning + _LAST,
    )
    return found.limit(1).scalar_subquery().is_not(None)
