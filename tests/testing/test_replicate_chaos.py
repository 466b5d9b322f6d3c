"""Every chaos setting of the double does what it says, at its rate, and again by the same seed."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from typing import Any

import httpx
import msgspec
import pytest
from PIL import Image, ImageChops, UnidentifiedImageError

from staging_core.testing.replicate import Chaos, RunningReplicate, Settings
from staging_core.testing.replicate.chaos import GROUPS, Dice

from .conftest import Start
from .receiver import Receiver

QWEN = "qwen/qwen-image-edit"
PATH = f"/v1/models/{QWEN}/predictions"


class Caller:
    """Speaks the API without a client's own ideas."""

    def __init__(self, web: httpx.Client, replicate: RunningReplicate, given: dict[str, Any]):
        self.web, self.replicate, self.given = web, replicate, given
        self.headers = {"authorization": f"Bearer {replicate.token}"}

    def create(self, *faults: str, **more: Any) -> httpx.Response:
        """A create that these faults strike."""
        if faults:
            self.replicate.then(*faults)
        url, body = self.replicate.url + PATH, {"input": self.given, **more}
        headers = {"prefer": "wait=1", **self.headers} if not more else self.headers
        return self.web.post(url, json=body, headers=headers)

    def get(self, path: str) -> Any:
        """What the API answers, as JSON."""
        return self.web.get(self.replicate.url + path, headers=self.headers).json()

    def made(self, *faults: str) -> dict[str, Any]:
        """The prediction of such a create, ended or not."""
        prediction: dict[str, Any] = self.create(*faults).json()
        return prediction

    def output(self, fault: str) -> httpx.Response:
        """What is delivered as the output of such a create."""
        return self.web.get(self.made(fault)["output"][0])


@pytest.fixture
def caller(web: httpx.Client, replicate: RunningReplicate, staged: dict[str, Any]) -> Caller:
    """A caller of a double that behaves until it is told otherwise."""
    return Caller(web, replicate, staged)


def opened(answer: httpx.Response) -> Image.Image:
    """The picture of an answer."""
    return Image.open(io.BytesIO(answer.content))


# --- the answer to a create -------------------------------------------------------------------


def test_busy_and_error_before_make_nothing(caller: Caller) -> None:
    busy, error = caller.create("busy"), caller.create("error_before")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
    assert error.status_code == 500
    assert caller.replicate.predictions() == []


def test_error_after_answers_500_and_has_made_it(caller: Caller) -> None:
    assert caller.create("error_after").status_code == 500
    (made,) = caller.replicate.predictions()
    assert [one["id"] for one in caller.get("/v1/predictions")["results"]] == [made["id"]]


def test_a_lost_answer_cuts_the_line_and_has_made_it(caller: Caller) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        caller.create("lost_answer")
    (made,) = caller.replicate.predictions()
    assert caller.get(f"/v1/predictions/{made['id']}")["id"] == made["id"]


def test_what_lands_late_is_found_only_later(caller: Caller) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        caller.create("late_landing")
    (made,) = caller.replicate.predictions()
    assert caller.get("/v1/predictions")["results"] == []
    assert caller.get(f"/v1/predictions/{made['id']}")["status"] == 404
    caller.replicate.advance(5.1)
    assert [one["id"] for one in caller.get("/v1/predictions")["results"]] == [made["id"]]


# --- the course -------------------------------------------------------------------------------


def test_failed_and_moderated_end_without_a_charge(caller: Caller) -> None:
    failed, moderated = caller.made("failed"), caller.made("moderated")
    assert (failed["status"], moderated["status"]) == ("failed", "failed")
    assert "NSFW" not in failed["error"]
    assert "NSFW" in moderated["error"]
    assert {one["cost_usd"] for one in caller.replicate.predictions()} == {0.0}


def test_aborted_ends_before_it_starts(caller: Caller) -> None:
    aborted = caller.made("aborted")
    assert (aborted["status"], aborted["started_at"]) == ("aborted", None)


def test_a_stalled_prediction_is_at_work_for_half_an_hour(caller: Caller) -> None:
    stalled = caller.create("stall", webhook="http://127.0.0.1:9/").json()["id"]
    caller.replicate.advance(1700)
    assert caller.get(f"/v1/predictions/{stalled}")["status"] == "processing"


def test_slow_and_unknown_statuses_end_well_a_minute_later(caller: Caller) -> None:
    ids = [
        caller.create(fault, webhook="http://127.0.0.1:9/").json()["id"]
        for fault in ("slow", "unknown_status")
    ]

    def statuses() -> list[str]:
        return [caller.get(f"/v1/predictions/{id}")["status"] for id in ids]

    assert statuses() == ["processing", "preempted"]
    caller.replicate.advance(61)
    assert statuses() == ["succeeded", "succeeded"]


# --- the output -------------------------------------------------------------------------------


def test_garbage_is_no_picture(caller: Caller) -> None:
    garbage = caller.output("garbage")
    assert garbage.headers["content-type"] == "image/png"
    with pytest.raises(UnidentifiedImageError):
        opened(garbage)


def test_html_says_that_it_is_html(caller: Caller) -> None:
    page = caller.output("html")
    assert page.headers["content-type"].startswith("text/html")
    assert page.content.startswith(b"<!DOCTYPE html>")


def test_a_bomb_is_small_and_has_400_megapixels(caller: Caller) -> None:
    bomb = caller.output("bomb")
    assert len(bomb.content) < 2_000_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(Image.DecompressionBombError):
            opened(bomb)


def test_a_wrong_size_has_another_ratio(caller: Caller) -> None:
    right = opened(caller.web.get(caller.made()["output"][0]))
    wrong = opened(caller.output("wrong_size"))
    assert wrong.width / wrong.height == pytest.approx(right.width / right.height / 2, rel=0.01)


def test_blank_is_one_colour(caller: Caller) -> None:
    assert len(opened(caller.output("blank")).convert("RGB").getcolors() or ()) == 1


def test_identical_is_the_input(caller: Caller, photo: bytes) -> None:
    picture = opened(caller.output("identical")).convert("RGB")
    original = Image.open(io.BytesIO(photo)).convert("RGB")
    assert ImageChops.difference(picture, original).getbbox() is None


def test_an_expired_output_is_gone_though_the_prediction_succeeded(caller: Caller) -> None:
    assert caller.output("expired_output").status_code == 404


def test_an_oversized_output_has_no_length_and_no_end_in_sight(caller: Caller) -> None:
    caller.replicate.chaos(oversized_bytes=3 * 2**20)
    output = caller.output("oversized")
    assert "content-length" not in output.headers
    assert len(output.content) > 3 * 2**20


def test_an_output_may_redirect_to_a_private_host(caller: Caller) -> None:
    output = caller.output("private_redirect")
    assert output.status_code == 302
    assert output.headers["location"].startswith("http://169.254.169.254/")


def test_an_output_may_be_on_a_foreign_host(caller: Caller) -> None:
    assert caller.made("foreign_host")["output"] == ["https://outputs.example.org/out-0.png"]


# --- the callbacks ----------------------------------------------------------------------------


def test_doubled_callbacks_come_twice_under_one_id(caller: Caller, receiver: Receiver) -> None:
    wanted = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
    caller.create("callbacks_doubled", **wanted)
    assert len({one.headers["webhook-id"] for one in receiver.wait_for(2)}) == 1


def test_late_callbacks_come_later_and_out_of_order(caller: Caller, receiver: Receiver) -> None:
    wanted = {"webhook": receiver.url, "webhook_events_filter": ["start", "completed"]}
    made = caller.create("callbacks_late", **wanted).json()
    while caller.get(f"/v1/predictions/{made['id']}")["status"] != "succeeded":
        pass  # before it has ended, not both are on their way
    assert receiver.received == []
    caller.replicate.advance(5.1)
    receiver.wait_for(1)
    caller.replicate.advance(5.1)
    statuses = [one.prediction["status"] for one in receiver.wait_for(2)]
    assert statuses == ["succeeded", "processing"]


def test_lost_callbacks_never_come_and_the_truth_knows(caller: Caller, receiver: Receiver) -> None:
    wanted = {"webhook": receiver.url, "webhook_events_filter": ["completed"]}
    caller.create("callbacks_lost", **wanted)
    caller.create(**wanted)
    receiver.wait_for(1)
    assert len(receiver.received) == 1
    told = [one["answer"] for one in caller.replicate.truth("callback")]
    assert sorted(map(str, told)) == ["200", "lost"]


# --- chances and seeds ------------------------------------------------------------------------


def test_calls_that_create_nothing_may_fail_too(caller: Caller) -> None:
    made = caller.made()["id"]
    caller.replicate.chaos(error_reading=1.0)
    url = f"{caller.replicate.url}/v1/predictions/{made}"
    assert caller.web.get(url, headers=caller.headers).status_code == 503


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_faults_strike_at_their_rate(seed: int) -> None:
    chances = {"busy": 0.05, "lost_answer": 0.04, "failed": 0.05, "garbage": 0.05, "bomb": 0.01}
    dice = Dice(seed, msgspec.convert(chances, Chaos))
    struck = Counter(fault for n in range(10_000) for fault in dice.fate(n).faults())
    assert struck.keys() == chances.keys()
    for fault, chance in chances.items():
        assert struck[fault] / 10_000 == pytest.approx(chance, abs=0.006)


def test_the_same_seed_has_the_same_fates_and_another_has_others() -> None:
    chaos = Chaos(busy=0.3, moderated=0.3, html=0.3, callbacks_lost=0.3)

    def fates(seed: int) -> list[tuple[str, ...]]:
        return [Dice(seed, chaos).fate(n).faults() for n in range(50)]

    assert fates(1) == fates(1) != fates(2)


def test_two_doubles_of_one_seed_make_the_same_predictions(
    web: httpx.Client, start: Start, staged: dict[str, Any]
) -> None:
    def run(seed: int) -> list[tuple[Any, ...]]:
        chaos = Chaos(busy=0.2, error_after=0.2, failed=0.2, blank=0.2)
        caller = Caller(web, start(chaos, seed=seed), staged)
        statuses = [caller.create().status_code for _ in range(12)]
        for one in caller.replicate.predictions():
            caller.replicate.act(one["id"], "finish")  # who is answered 500 has not waited for it
        made = caller.replicate.predictions()
        return [(one["id"], one["status"], tuple(one["faults"])) for one in made] + [(statuses,)]

    first = run(5)
    assert first == run(5)
    assert first != run(6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"busy": 1.1},
        {"busy": -0.1},
        {"busy": 0.6, "lost_answer": 0.6},
        {"unheard_of": 0.1},
        {"next": [["unheard_of"]]},
    ],
)
def test_chaos_that_cannot_be_is_refused(
    replicate: RunningReplicate, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="422"):
        replicate.chaos(**wrong)


def test_every_fault_has_a_chance_of_its_own() -> None:
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names))
    assert set(names) <= set(Chaos.__struct_fields__)
    assert Settings().signing_secret() == Settings().signing_secret()
