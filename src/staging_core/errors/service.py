"""What an open installation answers when it does not do what was asked."""

from __future__ import annotations

from .base import StagingError
from .shortfall import Shortfall


class Unsupported(StagingError):
    """The backend in use does not have that capability."""

    code = "unsupported"
    status = 501
    remedy_hint = "Run `staging backends` to see which backend has it."


class NotFound(StagingError):
    """There is nothing of that id in this account."""

    code = "not_found"
    status = 404
    remedy_hint = "Check the id; another account's things are never shown."


class AlreadyFinal(StagingError):
    """The job has ended, so it can no longer be changed."""

    code = "already_final"
    status = 409
    remedy_hint = "Submit a new job for another try."


class NotReady(StagingError):
    """The picture is not ready yet."""

    code = "not_ready"
    status = 409
    remedy_hint = "Follow the job's events until it is ready."


class Unauthorized(StagingError):
    """The credentials are missing or wrong."""

    code = "unauthorized"
    status = 401
    remedy_hint = "Sign in again, or send a valid key."


class SignInUnavailable(StagingError):
    """Whether the credentials are good cannot be told now: who could tell is away.

    ``retry_after_s``: seconds to wait, at least.
    """

    code = "sign_in_unavailable"
    status = 503
    remedy_hint = "Try again in a moment; the credentials may be good."

    def __init__(
        self, message: str = "", *, remedy: str | None = None, retry_after_s: float = 5.0
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class Forbidden(StagingError):
    """These credentials do not allow that."""

    code = "forbidden"
    status = 403
    remedy_hint = "Ask an administrator of the account for the right."


class AccountClosing(Forbidden):
    """This account is being deleted."""

    code = "account_closing"
    remedy_hint = "Sign in again in a while for a new, empty account."


class AddressRefused(Forbidden):
    """This signed address is none of ours, was changed, or has expired."""

    code = "address_refused"
    remedy_hint = "Ask for a new address, and send exactly the headers that came with it."


class UsageLimitExceeded(StagingError):
    """The account has no allowance left for this order.

    ``shortfall``: what it lacks, and what would help, where the billing backend says so.
    """

    code = "usage_limit_exceeded"
    status = 402
    remedy_hint = "Wait for the next period, or choose a larger plan."

    def __init__(
        self,
        message: str = "",
        *,
        remedy: str | None = None,
        shortfall: Shortfall | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.shortfall = shortfall


class BillingUnavailable(StagingError):
    """Nobody can tell now what the order would cost, so it is not accepted."""

    code = "billing_unavailable"
    status = 503
    remedy_hint = "Try again in a while; if it stays so, look at the log of the installation."


class PaymentsUnavailable(StagingError):
    """The payment provider is away, or has not said what became of a call."""

    code = "payments_unavailable"
    status = 503
    remedy_hint = "Send the same request again in a while; nothing is charged twice."


class PaymentRefused(StagingError):
    """The payment provider, or the customer's bank, said no; nothing was changed."""

    code = "payment_failed"
    status = 402
    remedy_hint = "Choose another way to pay, or look at the account's bills."


class AskedOtherwise(PaymentRefused):
    """Something else was asked of the payment provider before, under the same key."""

    code = "asked_otherwise"
    remedy_hint = "Ask again."


class BillingAddressMissing(PaymentRefused):
    """The payment provider works out the tax, and knows no address of the account to do so by."""

    code = "billing_address_missing"
    remedy_hint = (
        "Put `country`, and where it has one `postal_code`, into the profile's `billing_address`."
    )


class NoActiveSubscription(StagingError):
    """The account has no subscription of the payment provider that this could change."""

    code = "no_active_subscription"
    status = 409
    remedy_hint = "Choose a plan first."


class AlreadySubscribed(StagingError):
    """The account pays for a plan already."""

    code = "already_subscribed"
    status = 409
    remedy_hint = "Go to the other plan by an upgrade; two plans would be charged twice."


class TooManyQueued(StagingError):
    """The account has too many jobs waiting."""

    code = "too_many_queued"
    status = 429
    remedy_hint = "Wait until some of them end."


class TooManyStreams(StagingError):
    """You have too many event streams open."""

    code = "too_many_streams"
    status = 429
    remedy_hint = (
        "Close those that nobody reads, and follow a project or the whole account with one stream."
    )


class RateLimited(StagingError):
    """There were too many requests in a short time.

    ``limit``: how many there may be in a minute. ``retry_after_s``: seconds until the next may be.
    """

    code = "rate_limited"
    status = 429
    remedy_hint = "Wait as long as the answer says, then go on more slowly."

    def __init__(
        self,
        message: str = "",
        *,
        remedy: str | None = None,
        limit: int = 0,
        retry_after_s: float = 60.0,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.limit = limit
        self.retry_after_s = retry_after_s


class Overloaded(StagingError):
    """The service takes no new work at the moment; what was accepted goes on."""

    code = "overloaded"
    status = 503
    remedy_hint = "Try again in some seconds."


class ServiceUnavailable(StagingError):
    """This installation does not offer that."""

    code = "service_unavailable"
    status = 503
    remedy_hint = "Ask the operator of the installation to configure it."


class SecretsUnavailable(ServiceUnavailable):
    """This installation cannot keep secrets: the setting `secrets_key` is not set."""

    code = "secrets_unavailable"
    remedy_hint = (
        "Set STAGING_SECRETS_KEY, for all processes, to what `python -c 'from cryptography.fernet "
        "import Fernet; print(Fernet.generate_key().decode())'` prints, before the older ones."
    )


class InvalidSignature(Unauthorized):
    """The callback is not the provider's, or too old to be believed."""

    code = "signature_invalid"
    remedy_hint = "Check the provider's webhook secret, and this machine's clock."


class InvalidCallback(StagingError):
    """The callback says nothing that is understood."""

    code = "callback_invalid"
    status = 400
    remedy_hint = "Send what the provider documents, to the address that the attempt was given."


class StillRunning(StagingError):
    """A call under the same idempotency key is being worked on.

    ``retry_after_s``: seconds after which its outcome may be known.
    """

    code = "still_running"
    status = 409
    remedy_hint = "Send the same request again in a while; it is answered with what was created."

    def __init__(
        self, message: str = "", *, remedy: str | None = None, retry_after_s: float = 1.0
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class AlreadyCreated(StagingError):
    """This was created by an earlier call, whose secret is not told again.

    ``id``: of what was created.
    """

    code = "already_created"
    status = 409
    remedy_hint = "Use what the earlier call answered, or delete it and create another one."

    def __init__(self, message: str = "", *, remedy: str | None = None, id: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.id = id


class CreatedThenDeleted(AlreadyCreated):
    """What an earlier call created under this idempotency key is not there any more."""

    code = "created_then_deleted"
    remedy_hint = "Use a fresh key to create another one."
