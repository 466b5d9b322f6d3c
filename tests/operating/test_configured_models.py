"""Which model is the usual one, and what it is configured with: for all processes, at run time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import Staging
from staging_core.database.tables import images, metadata
from staging_core.errors import (
    NotFound,
    SecretsUnavailable,
    SettingError,
    UnknownModel,
    ValidationFailed,
)
from staging_core.models import ConfigField

from .house import (
    ADA,
    KEY,
    NEXT_KEY,
    OPERATOR,
    WISH,
    Configurable,
    ConfigurableLater,
    installed,
    photo,
)

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
QWEN, FLUX = "qwen/qwen-image-edit", "black-forest-labs/flux"


async def model_of_the_next(staging: Staging, number: int = 0) -> str:
    """The model of an order that names none."""
    group = await staging.acting_as(ADA).images.submit(photo(number), **WISH)
    return group.images[0].job.model


async def request_of(staging: Staging, image_id: str) -> dict[str, Any]:
    async with staging.ports.database.read() as tx:
        row = await tx.row(sa.select(images.c.request).where(images.c.id == image_id))
    assert row is not None
    return dict(row["request"])


# --- which is active ------------------------------------------------------------------------------


@both
def test_the_first_model_is_the_usual_one_until_another_is_activated(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        stagers = (Configurable(QWEN), Configurable(FLUX))
        async with installed(tmp_path, *stagers, **database) as staging:
            models = staging.operating_as(OPERATOR).models
            assert (await models.active()).value == QWEN
            assert await model_of_the_next(staging) == QWEN
            active = await models.activate(FLUX)
            assert (active.value, active.default, active.updated_by) == (FLUX, QWEN, "olga")
            assert await model_of_the_next(staging, 1) == FLUX
            group = await staging.acting_as(ADA).images.submit(photo(2), model=QWEN, **WISH)
            assert group.images[0].job.model == QWEN
            assert (await models.activate(None)).value == QWEN
            assert await model_of_the_next(staging, 3) == QWEN

    asyncio.run(scenario())


@both
def test_every_process_of_the_installation_sees_it_within_a_second(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        def process() -> Staging:
            return installed(tmp_path, Configurable(QWEN), Configurable(FLUX), **database)

        async with process() as one, process() as another:
            assert await model_of_the_next(another) == QWEN
            await one.operating_as(OPERATOR).models.activate(FLUX)
            async with asyncio.timeout(10):
                number = 1
                while await model_of_the_next(another, number) == QWEN:
                    number += 1
                    await asyncio.sleep(0.1)
            async with process() as later:
                assert await model_of_the_next(later, 0) == FLUX

    asyncio.run(scenario())


def test_what_is_not_open_cannot_be_activated_and_is_never_replaced_by_another(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, Configurable(QWEN), Configurable(FLUX)) as staging:
            models = staging.operating_as(OPERATOR).models
            for wrong in ("stable-diffusion", 7, ["a"], ""):
                with pytest.raises(ValidationFailed):
                    await models.activate(wrong)  # type: ignore[arg-type]
            await models.activate(FLUX)
        async with installed(tmp_path, Configurable(QWEN)) as staging:
            with pytest.raises(UnknownModel, match=FLUX):
                await model_of_the_next(staging)
            group = await staging.acting_as(ADA).images.submit(photo(), model=QWEN, **WISH)
            assert group.images[0].job.model == QWEN

    asyncio.run(scenario())


# --- what they are configured with ----------------------------------------------------------------


def test_the_schema_is_what_the_card_declares(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, Configurable(), "fake:plain") as staging:
            models = staging.operating_as(OPERATOR).models
            assert models.schema("fake:plain") == ()
            with pytest.raises(NotFound):
                models.schema("qwen")
            assert models.schema(QWEN) == (
                ConfigField(name="go_fast", type="bool", default=True, description="Less careful."),
                ConfigField(name="steps", type="int", min=1, max=50),
                ConfigField(name="strength", type="float", min=0, max=1),
                ConfigField(name="resolution", type="string", default="1K", options=("1K", "2K")),
                ConfigField(
                    name="token",
                    type="string",
                    default="",
                    description="Of the provider.",
                    is_secret=True,
                ),
            )

    asyncio.run(scenario())


@both
def test_a_job_is_asked_with_what_was_configured_when_it_was_submitted(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        model = Configurable()
        async with installed(tmp_path, model, **database) as staging:
            models, me = staging.operating_as(OPERATOR).models, staging.acting_as(ADA)
            await models.configure(QWEN, {"steps": 20, "go_fast": False})
            first = await me.images.submit(photo(), **WISH)
            told = {"steps": 30}
            second = await me.images.submit(photo(1), options=told, **WISH)
            config = await models.configure(QWEN, {"steps": 5})
            assert config.values == {
                "go_fast": True,
                "steps": 5,
                "strength": None,
                "resolution": "1K",
                "token": "",
            }
            await staging.run_worker(until_idle=True)
            options = [(await request_of(staging, group.images[0].id))["options"]
                       for group in (first, second)]  # fmt: skip
            assert options == [{"steps": 20, "go_fast": False}, {"steps": 30, "go_fast": False}]
            assert sorted(call.request.options["steps"] for call in model.calls) == [20, 30]
            await me.images.submit(photo(2), **WISH)
            await staging.run_worker(until_idle=True)
            assert model.calls[-1].request.options == {"steps": 5}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"steps": 0}, {"steps"}),
        ({"steps": 51, "go_fast": "yes"}, {"steps", "go_fast"}),
        ({"steps": True}, {"steps"}),
        ({"steps": 1.5}, {"steps"}),
        ({"strength": 2}, {"strength"}),
        ({"strength": 10**30}, {"strength"}),
        ({"resolution": "8K"}, {"resolution"}),
        ({"resolution": ["1K"]}, {"resolution"}),
        ({"hosts": ["a"]}, {"hosts"}),
        ({"unheard_of": 1}, {"unheard_of"}),
        ({"token": 5}, {"token"}),
        ({"token": "a\nb"}, {"token"}),
        ({"token": "x" * 5000}, {"token"}),
    ],
)
def test_what_does_not_fit_the_schema_changes_nothing(
    tmp_path: Path, values: dict[str, Any], wrong: set[str]
) -> None:
    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            models = staging.operating_as(OPERATOR).models
            before = await models.configure(QWEN, {"steps": 20, "token": "first"})
            with pytest.raises(ValidationFailed) as refused:
                await models.configure(QWEN, values)
            assert refused.value.fields.keys() == wrong
            assert await models.config(QWEN) == before

    asyncio.run(scenario())


def test_null_and_an_empty_text_clear_a_field(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            models = staging.operating_as(OPERATOR).models
            await models.configure(QWEN, {"steps": 20, "resolution": "2K"})
            config = await models.configure(QWEN, {"steps": None, "resolution": ""})
            assert (config.values["steps"], config.values["resolution"]) == (None, "1K")

    asyncio.run(scenario())


def test_a_card_that_takes_less_than_was_configured_is_asked_for_less(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            await staging.operating_as(OPERATOR).models.configure(
                QWEN, {"steps": 20, "go_fast": False}
            )
        fewer = {"type": "object", "properties": {"steps": {"type": "integer", "maximum": 10}}}
        async with installed(tmp_path, Configurable(options=fewer)) as staging:
            group = await staging.acting_as(ADA).images.submit(photo(), **WISH)
            assert (await request_of(staging, group.images[0].id))["options"] == {}

    asyncio.run(scenario())


def test_a_fallback_model_is_asked_without_what_the_first_one_is_configured_with(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        plain = "fake:plain"
        first = Configurable()
        first._script = first._script.parse("moderated")
        async with installed(tmp_path, first, plain, fallback=(plain,)) as staging:
            await staging.operating_as(OPERATOR).models.configure(QWEN, {"steps": 20})
            me = staging.acting_as(ADA)
            group = await me.images.submit(photo(), **WISH)
            await staging.run_worker(until_idle=True)
            image = await me.images.get(group.images[0].id)
            assert (image.job.state, image.job.model) == ("ready", plain)
            second: Any = staging.ports.stagers[plain]
            assert [call.request.options for call in second.calls] == [{}]

    asyncio.run(scenario())


# --- secrets --------------------------------------------------------------------------------------


@both
def test_a_secret_reaches_the_model_and_nobody_else(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        model = Configurable()
        async with installed(tmp_path, model, **database) as staging:
            operating = staging.operating_as(OPERATOR)
            config = await operating.models.configure(QWEN, {"token": "canary-of-the-model"})
            assert (config.values["token"], config.secrets_set) == ("", ("token",))
            await staging.acting_as(ADA).images.submit(photo(), **WISH)
            await staging.run_worker(until_idle=True)
            assert model.secrets == [{"token": "canary-of-the-model"}]
            async with staging.ports.database.read() as tx:
                for table in metadata.sorted_tables:
                    rows = [dict(row) for row in await tx.rows(sa.select(table))]
                    assert "canary-of-the-model" not in repr(rows), table.name

    asyncio.run(scenario())


def test_a_model_that_answers_later_is_given_its_secret_with_the_prediction(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        model = ConfigurableLater()
        async with installed(tmp_path, model, poll_s=0.05) as staging:
            me = staging.acting_as(ADA)
            await staging.operating_as(OPERATOR).models.configure(model.card.id, {"token": "x"})
            group = await me.images.submit(photo(), **WISH)
            await staging.run_worker(until_idle=True)
            assert (await me.images.get(group.images[0].id)).job.state == "ready"
            assert model.secrets == [{"token": "x"}]

    asyncio.run(scenario())


def test_a_secret_is_kept_until_it_is_replaced_or_removed(tmp_path: Path) -> None:
    async def scenario() -> None:
        model = Configurable()
        async with installed(tmp_path, model) as staging:
            models = staging.operating_as(OPERATOR).models
            turns = [("first", "first"), ("", "first"), (..., "first"), ("next", "next")]
            for number, (sent, holds) in enumerate(turns):
                given = {} if sent is ... else {"token": sent}
                config = await models.configure(QWEN, {"steps": 3, **given})
                assert config.secrets_set == ("token",)
                await staging.acting_as(ADA).images.submit(photo(number), **WISH)
                await staging.run_worker(until_idle=True)
                assert model.secrets[-1] == {"token": holds}
            assert (await models.configure(QWEN, {"token": None})).secrets_set == ()

    asyncio.run(scenario())


def test_keys_are_changed_in_turns(tmp_path: Path) -> None:
    async def scenario() -> None:
        model = Configurable()
        for keys, given in (
            (KEY, {"token": "a secret"}),
            (f"{NEXT_KEY},{KEY}", {}),
            (f"{NEXT_KEY},{KEY}", {"token": "sealed anew"}),
            (NEXT_KEY, {}),
        ):
            async with installed(tmp_path, model, secrets_key=keys) as staging:
                await staging.operating_as(OPERATOR).models.configure(QWEN, given)
                await staging.acting_as(ADA).images.submit(photo(len(model.secrets)), **WISH)
                await staging.run_worker(until_idle=True)
        told = [secrets["token"] for secrets in model.secrets]
        assert told == ["a secret", "a secret", "sealed anew", "sealed anew"]

    asyncio.run(scenario())


def test_without_a_key_a_secret_is_refused_and_the_variable_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path, secrets_key=()) as staging:
            models = staging.operating_as(OPERATOR).models
            with pytest.raises(SecretsUnavailable) as refused:
                await models.configure(QWEN, {"token": "x", "steps": 3})
            assert "STAGING_SECRETS_KEY" in refused.value.remedy
            assert (await models.config(QWEN)).values["steps"] is None
            assert (await models.configure(QWEN, {"token": "", "steps": 3})).values["steps"] == 3

    asyncio.run(scenario())


def test_a_secret_whose_key_is_lost_stops_its_jobs_and_never_goes_unsaid(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with installed(tmp_path) as staging:
            await staging.operating_as(OPERATOR).models.configure(QWEN, {"token": "x"})
        model = Configurable()
        settings = {"secrets_key": NEXT_KEY, "backoff_max_s": 0.01}
        async with installed(tmp_path, model, **settings) as staging:
            me = staging.acting_as(ADA)
            group = await me.images.submit(photo(), **WISH)
            await staging.run_worker(until_idle=True)
            job = (await me.images.get(group.images[0].id)).job
            assert (job.state, job.error) == ("error", "attempts_exhausted")
            assert model.calls == []

    asyncio.run(scenario())


@pytest.mark.parametrize("key", ["short", "x" * 44, "A" * 44, "A" * 42 + "==", "ä" * 43 + "="])
def test_a_key_that_is_none_is_refused_before_anything_opens(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingError) as refused:
        installed(tmp_path, secrets_key=key)
    assert key not in str(refused.value)


def test_no_repr_shows_the_key(tmp_path: Path) -> None:
    assert KEY not in repr(installed(tmp_path).settings)
