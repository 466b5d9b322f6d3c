"""What only a test asks: the truth, the chaos, the clock, and a prediction's end."""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.testing.double.message import Answer, Request, json_answer

from .chaos import Chaos
from .course import Course
from .prediction import Prediction
from .problem import not_found, problem
from .provider import Provider


class Private:
    """Answers under ``/_``, without a token; of it the truth tells changes of chaos only."""

    def __init__(self, provider: Provider, course: Course) -> None:
        self._timeline, self._dice = provider.timeline, provider.dice
        self._truth, self._predictions = provider.truth, provider.predictions
        self._course = course

    async def truth(self, request: Request) -> Answer:
        """``GET /_truth?since=N``: the lines from number N on."""
        since = request.query.get("since", "0")
        if not since.isdigit():
            return problem(400, "since is the number of a line.")
        headers = {"content-type": "application/x-ndjson"}
        return Answer(body=self._truth.text(int(since)), headers=headers)

    async def outcomes(self, request: Request) -> Answer:
        """``GET /_truth/predictions``: every prediction that was ever made, as it stands."""
        return json_answer([prediction.outcome() for prediction in self._predictions.all()])

    async def counts(self, request: Request) -> Answer:
        """``GET /_truth/counts``: how many lines of each event."""
        return json_answer(self._truth.counts)

    async def chaos(self, request: Request) -> Answer:
        """``GET /_chaos``: the chaos in force."""
        return json_answer(self._dice.chaos)

    async def set_chaos(self, request: Request) -> Answer:
        """``POST /_chaos``: what the body names is changed; the rest stays, but for ``next``."""
        now = msgspec.to_builtins(self._dice.chaos) | {"next": []}
        try:
            chaos = msgspec.convert(now | request.object(), Chaos)
        except (ValueError, msgspec.ValidationError) as error:
            return problem(422, str(error))
        self._dice.set(chaos)
        self._truth.tell("chaos", chaos=_changes(chaos))
        return json_answer(chaos)

    async def then(self, request: Request) -> Answer:
        """``POST /_chaos/next`` with ``{"faults": […]}``: those of the next create."""
        try:
            faults = msgspec.convert(request.object().get("faults"), list[str])
            self._dice.then(*faults)
        except (ValueError, msgspec.ValidationError) as error:
            return problem(422, str(error))
        return Answer(status=204)

    async def clock(self, request: Request) -> Answer:
        """``POST /_clock`` with ``{"advance": S}``: so many seconds pass at once."""
        try:
            self._timeline.advance(msgspec.convert(request.object().get("advance"), float))
        except (ValueError, msgspec.ValidationError) as error:
            return problem(422, str(error))
        return json_answer({"now": self._timeline.now()})

    async def act(self, request: Request, id: str, deed: str) -> Answer:
        """``POST /_predictions/{id}/{deed}``: what happens to it now, unless it has ended."""
        prediction = self._predictions.known(id)
        if prediction is None or not await self._done(prediction, deed):
            return not_found()
        return Answer(status=204)

    async def _done(self, prediction: Prediction, deed: str) -> bool:
        match deed:
            case "finish":
                await self._course.finish_now(prediction)
            case "fail":
                self._course.fail(prediction)
            case "moderate":
                self._course.fail(prediction, moderated=True)
            case "say_strangely":
                self._course.say_strangely(prediction)
            case "expire_output":
                prediction.gone = True
            case _:
                return False
        return True


def _changes(chaos: Chaos) -> dict[str, Any]:
    """What differs from no chaos at all."""
    calm = msgspec.to_builtins(Chaos())
    return {
        name: value for name, value in msgspec.to_builtins(chaos).items() if value != calm[name]
    }
