"""What staging-core brings along, declared as a stranger's plugin would: data, nothing imported."""

from __future__ import annotations

from collections.abc import Iterable

from staging_core.hookspecs import hookimpl
from staging_core.models import Command, Provider


@hookimpl
def staging_stagers() -> Iterable[Provider]:
    """The offline renderer, the models at Replicate, and the fakes that tests script."""
    from staging_core.backends.render.card import RENDER_CARD
    from staging_core.testing.fake_card import FAKE_CARD, FAKE_DEFERRED_CARD

    return [
        Provider(
            scheme="render",
            opens="staging_core.backends.render.stager:open_render",
            summary="Furnishes empty rooms on this machine; no key, no network, no cost.",
            cards=(RENDER_CARD,),
        ),
        Provider(
            scheme="fake",
            opens="staging_core.testing.fake_stager:open_fake",
            summary="Answers at once with a marked copy; for tests, failures can be scripted.",
            cards=(FAKE_CARD,),
        ),
        Provider(
            scheme="fake-deferred",
            opens="staging_core.testing.fake_deferred:open_fake_deferred",
            summary="Answers later with a marked copy; its provider is in this process.",
            cards=(FAKE_DEFERRED_CARD,),
        ),
        Provider(
            scheme="replicate",
            opens="staging_core.backends.replicate.opening:open_replicate",
            summary="Models at Replicate, replicate:owner/name; they answer later and cost money.",
            install="pip install 'staging-core[replicate]'",
            requires_env=("REPLICATE_API_TOKEN",),
            cards_from="staging_core.backends.replicate.shelf:all_cards",
        ),
    ]


@hookimpl
def staging_storages() -> Iterable[Provider]:
    """Everything that fsspec reaches."""
    opens = "staging_core.backends.fsspec_storage:open_storage"
    return [
        Provider(scheme="file", opens=opens, summary="A folder of this machine."),
        Provider(
            scheme="memory",
            opens=opens,
            summary="This process's memory; gone at its end.",
            in_memory=True,
        ),
        Provider(
            scheme="s3",
            opens="staging_core.backends.s3_storage:open_s3",
            summary="A bucket of S3, or of a service that speaks its protocol.",
            install="pip install 'staging-core[s3]'",
        ),
        Provider(scheme="*", opens=opens, summary="Every other storage that fsspec knows."),
    ]


@hookimpl
def staging_queues() -> Iterable[Provider]:
    """The queue inside one process, and the one that processes share."""
    redis = "staging_core.backends.taskiq_queue:open_taskiq_queue"
    install = "pip install 'staging-core[redis]'"
    return [
        Provider(
            scheme="local",
            opens="staging_core.backends.local_queue:open_local_queue",
            summary="Wakes the workers of this process; other processes find jobs by sweeping.",
        ),
        Provider(
            scheme="redis",
            opens=redis,
            summary="Wakes the workers of all processes, through taskiq and Redis streams.",
            install=install,
        ),
        Provider(
            scheme="rediss",
            opens=redis,
            summary="The same over TLS.",
            install=install,
        ),
    ]


@hookimpl
def staging_authenticators() -> Iterable[Provider]:
    """The one owner of an embedded installation; people of an issuer; the keys they make."""
    return [
        Provider(
            scheme="local",
            opens="staging_core.backends.local_auth:open_local_auth",
            summary="One owner, from this machine only.",
        ),
        Provider(
            scheme="keys",
            opens="staging_core.backends.api_keys:open_key_auth",
            summary="API keys that users of this installation have made.",
        ),
        Provider(
            scheme="jwt",
            opens="staging_core.backends.jwt_auth:open_jwt_auth",
            summary="People of an OpenID issuer such as Auth0, jwt:https://issuer/?audience=….",
            install="pip install 'staging-core[jwt]'",
        ),
    ]


@hookimpl
def staging_billings() -> Iterable[Provider]:
    """Billing for those who bill nobody, by plans, and by plans that are paid at Stripe."""
    return [
        Provider(
            scheme="free",
            opens="staging_core.backends.free_billing:open_free_billing",
            summary="Allows everything, charges nothing, still counts.",
        ),
        Provider(
            scheme="plans",
            opens="staging_core.backends.plan_billing:open_plan_billing",
            summary="Holds accounts to the plans of the settings; who pays for them is elsewhere.",
        ),
        Provider(
            scheme="stripe",
            opens="staging_core.backends.stripe_billing.opening:open_stripe_billing",
            summary="The same, and Stripe is who is paid for them.",
            install="pip install 'staging-core[stripe]'",
            requires_env=("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"),
        ),
        Provider(
            scheme="fake-payments",
            opens="staging_core.testing.fake_payments:open_fake_payments",
            summary="Plans that are paid for in this process; for tests, no money moves.",
        ),
    ]


@hookimpl
def staging_commands() -> Iterable[Command]:
    """The command line's own commands, in the order of its help."""
    return [
        Command(name=name, opens=f"staging_core.cli.{module}:command", summary=summary)
        for name, summary in _COMMANDS
        for module in [name.replace("-", "_")]
    ]


_COMMANDS = (
    ("stage", "Furnish photos of empty rooms."),
    ("demo", "Furnish a bundled photo in three styles and show the result."),
    ("room", "Show what the offline renderer sees in a photo."),
    ("submit", "Put photos in the queue for a worker."),
    ("jobs", "List, show, retry, cancel and requeue jobs."),
    ("users", "List users, grant and revoke roles."),
    ("keys", "Make, list and revoke API keys."),
    ("billing", "Tell plans, credits and ledgers of accounts, give and take them."),
    ("audit-log", "Tell who did what to what."),
    ("worker", "Work on queued jobs until stopped."),
    ("sweep", "Do the periodic duties once."),
    ("db", "Bring the database's schema up to date."),
    ("backends", "List the backends that URLs can name."),
    ("models", "List models, show their cards, verify them."),
    ("plugins", "List the plugins and the hooks they take part in."),
    ("doctor", "Check this installation."),
    ("certify", "Run the conformance suites against an installed plugin."),
)
