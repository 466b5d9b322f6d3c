"""What the contracts say and what the suites check are the same sentences."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import staging_core
from staging_core.testing.conformance import (
    AuthConformance,
    BillingConformance,
    Conformance,
    DefersConformance,
    PaymentsConformance,
    PluginConformance,
    QueueConformance,
    StagerConformance,
    StorageConformance,
)
from staging_core.testing.conformance.base import checks

SOURCE = Path(staging_core.__file__).parent
SUITES: tuple[type[Conformance], ...] = (
    AuthConformance,
    BillingConformance,
    DefersConformance,
    PaymentsConformance,
    PluginConformance,
    QueueConformance,
    StagerConformance,
    StorageConformance,
)
CONTRACTS = {
    "storage": (
        "Storage",
        "Copies",
        "Creates",
        "Tidies",
        "PresignsUploads",
        "PresignsDownloads",
    ),
    "inspecting": ("Inspects",),
    "stager": ("Stager", "Defers", "Finds"),
    "queue": ("Queue", "Consumes", "Signals", "Carries", "LimitsRates"),
    "auth": ("Authenticator",),
    "billing": ("Billing", "KeepsPlans", "ReservesElsewhere"),
    "payments": (
        "TakesPayments",
        "ReportsPayments",
        "NamesEvents",
        "EndsPayments",
        "WithdrawsOffers",
        "DescribesCustomers",
        "MetersUsage",
        "ListsPrices",
    ),
}
# Sentences that ask nothing of a backend: headlines, and what the core may rely on or does.
TITLES = {
    "A payment provider that writes bills, or works out tax, by who and where a customer is.",
    "Copies an object without moving its bytes through us.",
    "Puts an object only where none is.",
    "Removes what is left of puts whose process died.",
    "Lets a client upload without us.",
    "What is uploaded is not believed: the engine looks at size and bytes before it is used.",
    "Lets somebody download without us.",
    "Its host may be one that only this machine reaches (loopback): whoever hands the URL on judges"
    " that, the storage does not know whom it is for.",
    "Can tell what is missing around it: rights, rules and settings of a service.",
    "What it fails at or may not look at is told, not raised.",
    "Answers in the call: the offline renderer, a GPU of this machine.",
    "Answers later: the model runs elsewhere and is asked, or calls back.",
    "Any other error: asked again later.",
    "Can tell, after a lost answer, whether an attempt exists at the provider.",
    "Carries wakes from whoever made work to whoever does it.",
    "Hands wakes to a handler in this process.",
    "Wakes those who wait for something to change (event streams).",
    "Only ever a hint.",
    "Signals that bring something along; a queue has them beside ``Signals``.",
    "As signals are, what is carried may be lost, doubled or late; who can reach the server may"
    " forge it.",
    "Counts uses for rate limits, for all processes that share the queue.",
    "Turns credentials into a principal.",
    "Prices orders.",
    "A billing backend under which an account has a plan, and a limit.",
    "A payment provider whose events tell accounts of what is not kept here, such as bills.",
    "A billing backend of which a service outside keeps what accounts may have.",
    "After any other error nobody knows, so it is released.",
    "What accounts do to pay. ``customer_id``: the provider's name of the account.",
    "What a payment provider tells on its own, and when it is asked.",
    "Customers that were deleted may be missing.",
    "Those of nothing that we keep may be missing.",
    "A payment provider that charges afterwards by what was metered.",
    "Both are whole minutes of Unix time.",
    "A payment provider at which a customer can be made to pay for nothing any more.",
    "A payment provider at which what was begun and not paid can be taken back.",
    "A payment provider whose catalogue can be written.",
}


def words(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def texts(path: Path) -> list[str]:
    """Every string of a module that stands alone: its docstrings."""
    tree = ast.parse(path.read_text())
    return [
        words(node.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]


def contract(module: str, names: tuple[str, ...]) -> list[str]:
    """The sentences in the docstrings of a module's Protocols."""
    tree = ast.parse((SOURCE / "interfaces" / f"{module}.py").read_text())
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in names:
            for part in (node, *(each for each in node.body if not isinstance(each, ast.Expr))):
                if isinstance(part, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    found += re.split(r"(?<=\.) (?=[A-Z])", words(ast.get_docstring(part) or ""))
    return found


QUOTES = {words(check.sentence) for suite in SUITES for check in checks(suite).values()}


@pytest.mark.parametrize("quote", sorted(QUOTES))
def test_every_check_quotes_what_is_written(quote: str) -> None:
    written = [
        *(text for path in (SOURCE / "interfaces").glob("*.py") for text in texts(path)),
        *(text for path in (SOURCE / "models").glob("*.py") for text in texts(path)),
        *(text for name in ("hookspecs.py", "hooks.py") for text in texts(SOURCE / name)),
    ]

    assert any(quote in text for text in written)


@pytest.mark.parametrize("module", CONTRACTS)
def test_every_sentence_of_a_contract_is_quoted_by_a_check(module: str) -> None:
    sentences = set(contract(module, CONTRACTS[module])) - TITLES

    unchecked = [
        sentence
        for sentence in sentences
        if not any(quote in sentence or sentence in quote for quote in QUOTES)
    ]
    assert sentences
    assert not unchecked


def test_titles_are_still_written() -> None:
    written = {
        sentence for module, names in CONTRACTS.items() for sentence in contract(module, names)
    }

    assert written >= TITLES
