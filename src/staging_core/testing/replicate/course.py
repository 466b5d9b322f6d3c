"""The course of a prediction: starting, processing, and one of its ends."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

from .callbacks import Callbacks
from .model import Model
from .photos import CannotFetch, Photos
from .prediction import UNKNOWN_STATUS, Prediction
from .provider import Provider

LONGEST_RUN_S = 1800.0
FAILED = "CUDA out of memory: the model stopped."
FLAGGED = (
    "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
)
NSFW = "NSFW content detected. Try running it again, or try a different prompt."


class Course:
    """Moves predictions on; every change is told to the truth and to who asked for callbacks."""

    def __init__(self, provider: Provider, callbacks: Callbacks, photos: Photos) -> None:
        self._settings, self._timeline = provider.settings, provider.timeline
        self._dice, self._truth = provider.dice, provider.truth
        self._callbacks, self._photos = callbacks, photos
        self._waiting: dict[str, list[asyncio.Event]] = defaultdict(list)
        self._runs: dict[str, asyncio.Task[None]] = {}

    def begin(self, prediction: Prediction) -> None:
        """Set a new prediction on its way; it starts no sooner than it is visible."""
        now = self._timeline.now()
        wait = max(0.0, prediction.visible - now) + self._settings.start_s
        self._timeline.after(wait, lambda: self._start(prediction))
        if prediction.deadline is not None:
            self._timeline.after(prediction.deadline - now, lambda: self.overdue(prediction))

    async def end_of(self, prediction: Prediction, within_s: float) -> None:
        """Return when the prediction ends, or after so many seconds."""
        if prediction.ended:
            return
        ended = asyncio.Event()
        self._waiting[prediction.id].append(ended)
        timer = self._timeline.after(within_s, ended.set)
        await ended.wait()
        timer.cancel()

    async def finish_now(self, prediction: Prediction) -> None:
        """Start it if it has not started, and let it end with what it has fetched."""
        self._start(prediction)
        if run := self._runs.get(prediction.id):
            await asyncio.wait([run])
        self.finish(prediction)

    def finish(self, prediction: Prediction) -> None:
        """The model is done: what the fate has for it, else the output."""
        match prediction.fate.course:
            case "failed":
                self.fail(prediction)
            case "moderated":
                self.fail(prediction, moderated=True)
            case _:
                self._succeed(prediction)

    def fail(self, prediction: Prediction, *, moderated: bool = False) -> None:
        """The model broke down, or its safety filter said no; neither is charged."""
        if prediction.ended:
            return
        flagged = NSFW if prediction.model.owner == "qwen" else FLAGGED
        prediction.error = prediction.error or (flagged if moderated else FAILED)
        self._end(prediction, "failed")

    def cancel(self, prediction: Prediction) -> None:
        """The client's wish; what ran is charged."""
        if not prediction.ended and prediction.started is not None:
            prediction.cost_usd = prediction.model.price_usd
        self._end(prediction, "canceled")

    def overdue(self, prediction: Prediction) -> None:
        """The deadline: cancelled and charged when it runs, aborted before."""
        if prediction.started is not None:
            self.cancel(prediction)
        else:
            self._end(prediction, "aborted")

    def say_strangely(self, prediction: Prediction) -> None:
        """The status is a word that nobody knows, until it ends."""
        if not prediction.ended:
            prediction.status = UNKNOWN_STATUS

    async def close(self) -> None:
        """Stop all work."""
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)

    # --- the steps ------------------------------------------------------------------------------

    def _start(self, prediction: Prediction) -> None:
        if prediction.ended or prediction.started is not None:
            return
        if prediction.fate.course == "aborted":
            self._end(prediction, "aborted")
            return
        prediction.started = self._timeline.now()
        strange = prediction.fate.course == "unknown_status"
        prediction.status = UNKNOWN_STATUS if strange else "processing"
        self._truth.tell("status", prediction=prediction.id, status=prediction.status)
        self._callback(prediction, "start")
        run = asyncio.get_running_loop().create_task(self._run(prediction))
        self._runs[prediction.id] = run
        run.add_done_callback(lambda _: self._runs.pop(prediction.id, None))

    async def _run(self, prediction: Prediction) -> None:
        try:
            prediction.photo = await self._photos.first_of(prediction.model, prediction.input)
            if prediction.photo is None:
                raise CannotFetch("The double works on pictures only: the input has none.")
            await self._photos.look_at(prediction.photo)
        except CannotFetch as error:
            prediction.error = str(error)
        except OSError:
            prediction.error = "The input is not a picture."
        if prediction.error:
            self.fail(prediction)
        elif not self._settings.manual:
            self._end_later(prediction)

    def _end_later(self, prediction: Prediction) -> None:
        if prediction.fate.course == "stall":
            self._timeline.after(LONGEST_RUN_S, lambda: self.fail(prediction))
        elif (left_s := self._run_s(prediction) - self._has_run_s(prediction)) > 0:
            self._timeline.after(left_s, lambda: self.finish(prediction))
        else:
            self.finish(prediction)

    def _has_run_s(self, prediction: Prediction) -> float:
        """To fetch the photo is a part of the run, however long it takes."""
        assert prediction.started is not None
        return self._timeline.now() - prediction.started

    def _run_s(self, prediction: Prediction) -> float:
        if prediction.fate.course in ("slow", "unknown_status"):
            return self._dice.chaos.slow_s
        mean, spread = self._settings.run_s, self._settings.run_spread_s
        if not spread:
            return mean
        chance = random.Random(f"{self._settings.seed} run {prediction.ordinal}")  # noqa: S311
        return max(0.0, chance.uniform(mean - spread, mean + spread))

    def _succeed(self, prediction: Prediction) -> None:
        if prediction.ended:
            return
        urls = self._output_urls(prediction)
        prediction.output = urls if prediction.model.many else urls[0]
        prediction.cost_usd = prediction.model.price_usd * len(urls)
        prediction.logs = f"Using seed: {prediction.input.get('seed', prediction.ordinal)}\n"
        self._end(prediction, "succeeded")

    def _output_urls(self, prediction: Prediction) -> list[str]:
        if prediction.fate.output == "foreign_host":
            return [self._dice.chaos.foreign_output]
        base = self._settings.outputs_url or prediction.base_url
        given = prediction.model.filled(prediction.input)
        names = (f"out-{number}.{format_of(given)}" for number in range(_outputs(given)))
        return [f"{base}/delivery/{prediction.id}/{name}" for name in names]

    def _end(self, prediction: Prediction, status: str) -> None:
        if prediction.ended:
            return
        prediction.status = status
        prediction.completed = self._timeline.now()
        self._truth.tell(
            "status", prediction=prediction.id, status=status, cost_usd=prediction.cost_usd
        )
        for ended in self._waiting.pop(prediction.id, ()):
            ended.set()
        if status == "succeeded":
            self._callback(prediction, "output")
        self._callback(prediction, "completed")

    def _callback(self, prediction: Prediction, event: str) -> None:
        self._callbacks.send(prediction, event, self._dice.chaos.callbacks_late_s)


def format_of(given: dict[str, object]) -> str:
    """The ending of the output's name. ``given``: the input with its defaults."""
    return str(given.get("output_format") or "png")


def _outputs(given: dict[str, object]) -> int:
    several = given.get("sequential_image_generation") == "auto"
    number = given.get("number_of_images") or (given.get("max_images") if several else 1)
    return number if isinstance(number, int) else 1


def seed_parts(model: Model, given: dict[str, object], ordinal: int, number: int) -> list[object]:
    """All that changes the furniture; without a seed every prediction has its own."""
    seed = given.get("seed")
    return [model.id, ordinal if seed is None else seed, given.get("prompt"), number]
