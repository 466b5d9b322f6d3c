"""``staging billing``: what accounts may have, as an operator tells, gives and takes it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from staging_core.config import Settings
from staging_core.models import Entry, Pack, Plan, PublishedPrice, Standing
from staging_core.models.money import as_money

from . import options
from .answer import say_json, say_line, say_table
from .failure import FAILED
from .operator import run_as_operator
from .price_settings import as_toml

if TYPE_CHECKING:
    from staging_core.operating import Operating
    from staging_core.payments.comparison import Compared

EXAMPLES = """\b
Examples:
  staging billing plans
  staging billing plans push
  staging billing standing acme
  staging billing ledger acme --limit 20
  staging billing credit acme 25 --key ticket-4711 --note "For the broken export."
  staging billing credit acme -5 --key ticket-4712
  staging billing plan acme pro
  staging billing plan acme none
  staging billing audit
  staging billing sync
"""
_NOTE = {True: "Given by the operator.", False: "Taken by the operator."}


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Tell what accounts may have and had, give and take it.

    Plans and packs are settings. What an account has is counted in images, whichever setting
    `billing` there is; only `plans:` and what builds on it hold accounts to it.
    """


@command.group(epilog=EXAMPLES, invoke_without_command=True)
@options.as_json
@click.pass_context
def plans(ctx: click.Context, as_json: bool) -> None:
    """List the plans and packs of the settings, the plan of everybody first."""
    if ctx.invoked_subcommand is not None:
        return
    settings = Settings.from_env(os.environ)
    usual = settings.default_plan
    if as_json:
        say_json({"default_plan": usual, "plans": settings.plans, "packs": settings.packs})
        return
    codes = sorted(settings.plans, key=lambda code: code != usual)
    rows = [_plan_row(code, settings.plans[code]) for code in codes]
    rows += [_pack_row(code, pack) for code, pack in settings.packs.items()]
    say_table(("code", "kind", "images", "price", "beyond", "name"), rows)


@plans.command(epilog=EXAMPLES)
@options.as_json
def push(as_json: bool) -> None:
    """Have the payment provider list the plans and packs that cost something.

    What it has already is found. What it calls their prices is kept, and printed as settings.
    """

    async def act(operating: Operating) -> list[PublishedPrice]:
        return await operating.billing.publish_prices()

    published = run_as_operator(act)
    if as_json:
        say_json({"prices": published})
    else:
        say_line(as_toml(published, Settings.from_env(os.environ)))


@command.command(epilog=EXAMPLES)
@click.argument("account_id", metavar="ACCOUNT")
@options.as_json
def standing(account_id: str, as_json: bool) -> None:
    """Tell the account's plan, its period, and what it has left."""

    async def read(operating: Operating) -> Standing:
        return await operating.billing.standing(account_id)

    _say_standing(run_as_operator(read), as_json)


@command.command(epilog=EXAMPLES)
@click.argument("account_id", metavar="ACCOUNT")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.as_json
def ledger(account_id: str, limit: int, as_json: bool) -> None:
    """List the entries of the account's ledger, the newest first."""

    async def read(operating: Operating) -> list[Entry]:
        return await operating.billing.entries(account_id, limit=limit)

    entries = run_as_operator(read)
    if as_json:
        say_json({"entries": entries})
    else:
        head = ("at", "entry", "balance", "images", "from", "to", "job", "note")
        say_table(head, [_entry_row(entry) for entry in entries])


# What begins with a minus is a number here.
@command.command(epilog=EXAMPLES, context_settings={"ignore_unknown_options": True})
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("images", type=int)
@click.option("--key", required=True, help="What it is for: under one key it is done once.")
@click.option("--note", help="Why, for the account to read in its ledger.")
@options.as_json
def credit(account_id: str, images: int, key: str, note: str | None, as_json: bool) -> None:
    """Give the account credits of so many IMAGES; a negative number takes what is left.

    An account that is not there yet is made.
    """
    reason = _NOTE[images > 0] if note is None else note

    async def act(operating: Operating) -> Standing:
        return await operating.billing.credit(account_id, images, reason=reason, key=key)

    _say_standing(run_as_operator(act), as_json)


@command.command(epilog=EXAMPLES)
@click.argument("account_id", metavar="ACCOUNT")
@click.argument("code", metavar="CODE|none")
@options.as_json
def plan(account_id: str, code: str, as_json: bool) -> None:
    """Give the account a plan of the settings that is paid for elsewhere; `none` takes it back.

    What it has more holds at once, what it has less from the next period on. An account that is not
    there yet is made.
    """

    async def act(operating: Operating) -> Standing:
        return await operating.billing.give_plan(account_id, None if code == "none" else code)

    _say_standing(run_as_operator(act), as_json)


@command.command(epilog=EXAMPLES)
@options.as_json
def sync(as_json: bool) -> None:
    """Compare all that accounts pay with the payment provider, and bring here what differs.

    Sweeps do so by themselves once a day.
    """

    async def act(operating: Operating) -> Compared:
        return await operating.billing.sync()

    _say_compared(run_as_operator(act), as_json)


@command.command(epilog=EXAMPLES)
@options.as_json
def audit(as_json: bool) -> int:
    """Compare all that accounts pay with the payment provider; the exit code is 1 if it differs.

    What differs is looked at by the sweeps soon. It is 1 as well while an account pays for two
    plans: end one of them at the provider, and give the money back.
    """

    async def act(operating: Operating) -> Compared:
        return await operating.billing.compare()

    compared = run_as_operator(act)
    _say_compared(compared, as_json)
    sound = not (compared.differing or compared.missed or compared.paid_twice)
    return 0 if sound else FAILED


def _say_compared(compared: Compared, as_json: bool) -> None:
    if as_json:
        say_json(compared)
        return
    for name in ("customers", "subscriptions", "purchases", "missed", "differing"):
        say_line(f"{name:<13}  {getattr(compared, name)}")
    for account_id in compared.paid_twice:
        say_line(f"paid twice     {account_id}")


def _say_standing(standing: Standing, as_json: bool) -> None:
    if as_json:
        say_json(standing)
        return
    period = standing.period
    say_line(f"plan       {standing.plan_code}{'' if standing.subscribed else ', as everybody'}")
    say_line(f"period     {_day(period.start)} until {_day(period.end)} (UTC)")
    say_line(f"used       {standing.used}")
    say_line(f"allowance  {standing.allowance} left of {standing.plan.images}")
    say_line(f"credits    {standing.credits}")
    say_line(f"overage    {standing.overage}")


def _plan_row(code: str, plan: Plan) -> tuple[object, ...]:
    beyond = ""
    if plan.overage_images:
        beyond = f"{plan.overage_images} at {as_money(plan.overage_cents, plan.currency)}"
    price = f"{as_money(plan.price_cents, plan.currency)} a month"
    return (code, "plan", plan.images, price, beyond, plan.name or code)


def _pack_row(code: str, pack: Pack) -> tuple[object, ...]:
    price = as_money(pack.price_cents, pack.currency)
    return (code, "pack", pack.credits, price, "", pack.name or code)


def _entry_row(entry: Entry) -> tuple[object, ...]:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
    why = "" if entry.note is None else entry.note.get("reason", "")
    books = (entry.images, entry.from_book, entry.to_book)
    return (at, entry.kind, entry.balance, *books, entry.job_id or "", why)


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
