"""Whatever a provider, a clock and a dying worker do in whatever order: the books are right."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from staging_core import OWNER
from staging_core.acting import Images
from staging_core.audit import SOUND, Audit
from staging_core.errors import AlreadyFinal
from staging_core.imaging.decoder import Decoder
from staging_core.models import TERMINAL
from staging_core.recovery import Recovery

from .crashing import Crash, Cut
from .deferred_cases import Punctual, call_back, check_predictions
from .house import House, open_house

WHOLE = Cut()
DEEDS = st.one_of(
    st.sampled_from(
        ["step", "step", "step", "busy", "lose", "late", "fail", "moderate", "report", "sweep"]
    ),
    st.just("cancel"),
    st.tuples(st.just("pass"), st.sampled_from([1, 11, 95, 400])),
    st.tuples(st.just("die"), st.integers(1, 40)),
)


class Patient(Punctual):
    """Predictions are done when they are asked about the second time."""

    def __init__(self) -> None:
        super().__init__()
        self._finish_after = 2


async def do(house: House, provider: Patient, deed: object) -> None:
    """One thing that happens."""
    match deed:
        case ("pass", int(seconds)):
            house.clock.ahead += seconds
        case ("die", int(at)):
            with suppress(Crash):
                await house.step(Cut(at).into(house.ports))
        case "step":
            await house.step()
        case "sweep":
            await Recovery(house.ports).sweep()
            house.clock.ahead += 11
        case "report":
            await call_back(house, WHOLE)
        case "cancel":
            image = (await Images(house.ports, OWNER).page())[0]
            with suppress(AlreadyFinal):
                await Images(house.ports, OWNER).cancel(image.id)
        case _:
            to_the_provider(provider, str(deed))


def to_the_provider(provider: Patient, deed: str) -> None:
    prepared = {"busy": provider.be_busy, "lose": provider.lose_answer, "late": provider.land_late}
    if deed in prepared:
        prepared[deed]()
    for handle in list(provider.predictions)[-1:] if deed in ("fail", "moderate") else []:
        provider.fail(handle, moderated=deed == "moderate")


@settings(max_examples=12, deadline=None)
@given(st.lists(DEEDS, max_size=14))
@example(["late", "step", "cancel"])
def test_attempts_are_bounded_and_every_prediction_is_known_once_paid_for_and_ended(
    deeds: list[object],
) -> None:
    async def scenario() -> None:
        provider = Patient()
        with tempfile.TemporaryDirectory() as folder:
            async with (
                Decoder() as decoder,
                open_house(Path(folder), provider, decoder=decoder) as house,
            ):
                await house.submit()
                for deed in deeds:
                    await do(house, provider, deed)
                await house.recover()
                for _ in range(3):  # what landed late is looked for some time longer
                    house.clock.ahead += 400
                    await Recovery(house.ports).sweep()
                assert set(await house.states()) <= TERMINAL
                assert len(set(provider.posts)) <= house.ports.settings.max_attempts
                assert await Audit(house.ports).count() == SOUND
                await check_predictions(house)

    asyncio.run(scenario())
