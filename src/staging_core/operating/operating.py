"""Work done by an operator of the installation, across accounts."""

from __future__ import annotations

import logging

import msgspec

from staging_core.acting import Acting
from staging_core.database import audit_log, job_search, statistics, users
from staging_core.database.engine import Transaction
from staging_core.errors import BadInput, NotFound
from staging_core.live import Live
from staging_core.models import (
    Actor,
    Job,
    JobState,
    JobStatus,
    NewJob,
    Place,
    Principal,
    Reconciled,
    Statistics,
    User,
    UserRole,
)
from staging_core.ports import Ports
from staging_core.reconcile import reconcile
from staging_core.repetition import repeat_job
from staging_core.settlement import cancel_job
from staging_core.watch import Watch

from .audit_log import AuditLog
from .billing import Billing
from .keys import Keys
from .models import Models
from .requeueing import requeueing
from .settings import RuntimeSettings

log = logging.getLogger("staging_core")


class Operating:
    """What ``Staging.operating`` gives: what an operator may do, each act in the audit log.

    ``actor``: who it is. ``models``, ``settings``, ``keys``, ``audit_log``, ``billing``: what else
    there is, by noun.
    """

    def __init__(self, ports: Ports, watch: Watch, live: Live, actor: Actor) -> None:
        self.operator = actor.user_id
        self.settings = RuntimeSettings(ports, actor)
        self.models = Models(ports, actor, self.settings)
        self.audit_log = AuditLog(ports)
        self.keys = Keys(ports, actor)
        self.billing = Billing(ports, actor)
        self._actor = actor
        self._ports = ports
        self._watch = watch
        self._live = live

    async def job(self, job_id: str) -> Job:
        """One job, whoever's it is; ``NotFound``."""
        async with self._ports.database.read() as tx:
            return await job_search.find(tx, job_id)

    async def jobs(
        self,
        *,
        state: JobState | None = None,
        code: str | None = None,
        model: str | None = None,
        account_id: str | None = None,
        project_id: str | None = None,
        since_s: float | None = None,
        older_s: float | None = None,
        stuck: bool = False,
        latest: bool = False,
        limit: int = 50,
        before: Job | Place | None = None,
    ) -> list[Job]:
        """Jobs for which all that is given holds, newest first.

        ``code``: of the error that ended it. ``since_s``: changed within so many seconds.
        ``older_s``: made longer ago. ``stuck``: due for a minute, and held by nobody. ``latest``:
        only those that are the newest of their image. ``before``: the last one of the page before,
        or its place.
        """
        place = before.place if isinstance(before, Job) else before
        async with self._ports.database.read() as tx:
            return await job_search.search(
                tx,
                state=state,
                code=code,
                model=model,
                account_id=account_id,
                project_id=project_id,
                since_s=since_s,
                older_s=older_s,
                stuck=stuck,
                latest=latest,
                before=place,
                limit=limit,
            )

    async def requeue(self, job_id: str, *, idempotency_key: str | None = None) -> NewJob:
        """A new job for the image of a dead one (``error``); the new job.

        Its first event keeps who asked and which job it takes the place of: ``requeued_by``,
        ``requeued_from``. ``AlreadyFinal`` when the job did not end in an error, or when its image
        has a newer job; ``NotFound``, ``UnknownModel``, ``TooManyQueued`` as for a retry. A repeat
        under the same ``idempotency_key`` is the same job, ``replayed``.
        """
        return await self._again(job_id, ("error",), idempotency_key)

    async def retry(self, job_id: str) -> NewJob:
        """The same also for a job that was cancelled."""
        return await self._again(job_id, ("error", "cancelled"))

    async def _again(
        self, job_id: str, ended: tuple[JobState, ...], key: str | None = None
    ) -> NewJob:
        dead = await self.job(job_id)
        told = {"requeued_by": self.operator, "requeued_from": dead.id}
        async with requeueing(self._ports, self._actor, dead, key) as creation:
            replayed = creation.created is not None
            if creation.created is not None:
                (new_id,) = creation.created
            else:
                new_id = await repeat_job(
                    self._ports,
                    dead.account_id,
                    dead.image_id,
                    ended=ended,
                    job_id=dead.id,
                    told=told,
                    creation=creation,
                    operator=self._actor,
                )
        new = await self.job(new_id)
        return NewJob(**msgspec.structs.asdict(new), replayed=replayed)

    async def cancel(self, job_id: str) -> Job:
        """End a job that has not ended; ``AlreadyFinal``, ``NotFound``."""
        job = await self.job(job_id)

        async def cancelled(tx: Transaction) -> None:
            await cancel_job(tx, job.account_id, job.id)
            await audit_log.add(
                tx,
                "job.cancelled",
                self._actor,
                target=job.id,
                account_id=job.account_id,
                before={"state": job.state},
            )

        await self._ports.database.transact(job.account_id, cancelled)
        return await self.job(job.id)

    async def reconcile(
        self,
        *,
        dry_run: bool = True,
        limit: int = 100,
        project_id: str | None = None,
        status: JobStatus | None = None,
        after: str | None = None,
    ) -> Reconciled:
        """Look whether the objects of images are in the storage, of at most ``limit`` images.

        An image whose staged picture is certainly gone is marked as failed (``object_missing``)
        unless ``dry_run``; whoever wants it again retries it. What nobody can tell marks nothing.
        ``project_id``, ``status``: only those images. ``after``: of the result before.
        """
        return await reconcile(
            self._ports,
            self._actor,
            dry_run=dry_run,
            limit=limit,
            project_id=project_id,
            status=status,
            after=after,
        )

    async def statistics(self) -> Statistics:
        """How the installation stands, from counters and from what ended lately."""
        async with self._ports.database.read() as tx:
            return await statistics.read(tx)

    async def users(
        self,
        *,
        user_id: str | None = None,
        account_id: str | None = None,
        email: str | None = None,
        role: UserRole | None = None,
        before: User | None = None,
        limit: int = 50,
    ) -> list[User]:
        """Users for whom all that is given holds, newest first; ``before``: the last one seen."""
        place = None if before is None else (before.created_at, before.id)
        async with self._ports.database.read() as tx:
            return await users.search(
                tx,
                user_id=user_id,
                account_id=account_id,
                email=email,
                role=role,
                before=place,
                limit=limit,
            )

    async def grant(self, user_id: str, role: UserRole, *, account_id: str | None = None) -> User:
        """Give the user a role; ``member`` takes back what was granted. The user afterwards.

        What the user's tokens say beside it goes on to hold. ``account_id``: needed where several
        accounts have a user of that id. ``NotFound``.
        """
        async with self._ports.database.write() as tx:
            user = await self._only(tx, user_id, account_id)
            await users.change(tx, user.account_id, user.id, role=role, updated_at=tx.now)
            await audit_log.add(
                tx,
                "role.granted",
                self._actor,
                target=user.id,
                account_id=user.account_id,
                before={"role": user.role},
                after={"role": role},
            )
        self._ports.recent.forget()
        log.info(
            "user %s of account %s: %s, was %s, by %s",
            *(user.id, user.account_id, role, user.role, self.operator),
        )
        return msgspec.structs.replace(user, role=role)

    async def _only(self, tx: Transaction, user_id: str, account_id: str | None) -> User:
        found = await users.search(tx, user_id=user_id, account_id=account_id, limit=2)
        if not found:
            raise NotFound(
                f"There is no user {user_id}.",
                remedy="A user is there from the first sign-in on; `staging users list` has them.",
            )
        if len(found) > 1:
            raise BadInput(f"Several accounts have a user {user_id}.", remedy="Name the account.")
        return found[0]

    def acting_for(self, job: Job) -> Acting:
        """Everything that the account of ``job`` may do, done by the operator."""
        principal = Principal(account_id=job.account_id, user_id=self.operator)
        return Acting(self._ports, self._watch, self._live, principal)
