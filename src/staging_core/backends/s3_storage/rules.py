"""Whether what a bucket has set is good for staging: CORS, lifecycle, encryption."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from staging_core.models import Inspected

from .location import Location

_PAGE = "The how-to `use-s3` has the JSON for it"
_BY_BROWSERS = ("GET", "PUT")
_HEADERS = ("content-type", "cache-control")
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")  # what lies there cannot be read at once


def cors_findings(answer: Mapping[str, Any]) -> list[Inspected]:
    """Browsers must be allowed to put and get, with the headers that are signed."""
    rules = answer.get("CORSRules", ())
    methods = {method for rule in rules for method in rule.get("AllowedMethods", ())}
    missing = [method for method in _BY_BROWSERS if method not in methods]
    putting = [rule for rule in rules if "PUT" in rule.get("AllowedMethods", ())]
    allowed = [pattern for rule in putting for pattern in rule.get("AllowedHeaders", ())]
    if putting:
        missing += [name for name in _HEADERS if not _any_matches(name, allowed)]
    if not missing:
        return [_fine("CORS", "browsers may upload and download")]
    return [
        Inspected(
            name="CORS",
            level="advice",
            message=f"Browsers may not send {', '.join(missing)}.",
            remedy=f"Add a CORS rule that allows it to your pages' origins. {_PAGE}.",
        )
    ]


def lifecycle_findings(answer: Mapping[str, Any], at: Location) -> list[Inspected]:
    """Parts of abandoned uploads must go, finished pictures must stay."""
    rules = [rule for rule in answer.get("Rules", ()) if rule.get("Status") == "Enabled"]
    found = [_harm(rule, at) for rule in rules if _takes_away(rule) and _touches(rule, at)]
    aborts = any(
        "AbortIncompleteMultipartUpload" in rule and at.root.startswith(_prefix(rule))
        for rule in rules
    )
    if not aborts:
        found.append(
            Inspected(
                name="lifecycle",
                level="advice",
                message="Parts of abandoned uploads stay, and are paid for, for ever.",
                remedy=f"Add a rule that aborts incomplete multipart uploads. {_PAGE}.",
            )
        )
    return found or [_fine("lifecycle", "abandoned uploads go, pictures stay")]


def encryption_findings(answer: Mapping[str, Any], at: Location) -> list[Inspected]:
    """What browsers put has the bucket's default, since their signature asks for none."""
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    kinds = [
        rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules
    ]
    default = kinds[0] if kinds else None
    wanted = at.encryption.get("ServerSideEncryption")
    if default and (wanted is None or wanted == default):
        return [_fine("encryption", f"the bucket encrypts with {default}")]
    return [
        Inspected(
            name="encryption",
            level="advice",
            message=f"The bucket's default is {default or 'no encryption'}.",
            remedy=f"Set the bucket's default encryption to {wanted or 'AES256 or aws:kms'}.",
        )
    ]


def _harm(rule: Mapping[str, Any], at: Location) -> Inspected:
    name = rule.get("ID") or "without a name"
    return Inspected(
        name="lifecycle",
        level="wrong",
        message=f"The rule {name!r} removes or archives objects below {at.name('staged/')}.",
        remedy="Disable it, or limit it to another prefix: finished pictures live there.",
    )


def _takes_away(rule: Mapping[str, Any]) -> bool:
    expires = {"Days", "Date"} & rule.get("Expiration", {}).keys()
    moves = [str(move.get("StorageClass")) for move in rule.get("Transitions", ())]
    return bool(expires) or any(name in _ARCHIVES for name in moves)


def _touches(rule: Mapping[str, Any], at: Location) -> bool:
    prefix, staged = _prefix(rule), at.name("staged/")
    return staged.startswith(prefix) or prefix.startswith(staged)


def _prefix(rule: Mapping[str, Any]) -> str:
    chosen = rule.get("Filter") or {}
    every = chosen.get("And") or {}
    return str(chosen.get("Prefix") or every.get("Prefix") or rule.get("Prefix") or "")


def _any_matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns)


def _fine(name: str, message: str) -> Inspected:
    return Inspected(name=name, level="ok", message=message)
