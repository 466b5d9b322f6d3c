"""What has become of a prediction, read from Replicate's JSON."""

from __future__ import annotations

from typing import Any

from staging_core.models import Failed, Output, Staged, Waiting
from staging_core.prompts import version_of

from .card import ReplicateCard
from .cost import cost_of
from .failure import failed


def outcome(card: ReplicateCard, prediction: dict[str, Any]) -> Waiting | Staged | Failed:
    """How the prediction stands; a status that nobody knows yet is ``Waiting``."""
    match prediction.get("status"):
        case "succeeded":
            return _delivered(card, prediction)
        case "failed":
            return failed(prediction, cost_usd=cost_of(card, prediction, outputs=0))
        case "canceled":
            # Charged, says Replicate, since it had begun; an aborted one had not.
            cost = cost_of(card, prediction, outputs=1)
            return Failed(message="It was cancelled, or ran out of time.", cost_usd=cost)
        case "aborted":
            return Failed(message="It did not start in time.")
        case "starting" | "processing" as phase:
            return Waiting(phase=phase)
        case _:
            return Waiting()


def _delivered(card: ReplicateCard, prediction: dict[str, Any]) -> Staged | Failed:
    urls = _urls(prediction.get("output"))
    cost = cost_of(card, prediction, outputs=max(1, len(urls)))
    if not urls:
        gone = prediction.get("data_removed") or not prediction.get("output")
        message = "Its output is gone." if gone else "Its output is no picture's address."
        return Failed(message=message, cost_usd=cost)
    return Staged(
        outputs=tuple(Output(url=url) for url in urls),
        cost_usd=cost,
        report=_report(card, prediction),
    )


def _urls(output: object) -> list[str]:
    values = output if isinstance(output, list) else [output]
    return [
        value
        for value in values
        if isinstance(value, str) and value.startswith(("https://", "http://"))
    ]


def _report(card: ReplicateCard, prediction: dict[str, Any]) -> dict[str, Any]:
    """Facts for the record. Logs are not kept, nor is the photo's address."""
    given = prediction.get("input")
    given = given if isinstance(given, dict) else {}
    prompt = given.get(card.prompt)
    return {
        "provider": "replicate",
        "prediction": prediction.get("id"),
        "model": card.id,
        "version": prediction.get("version"),
        "card_version": card.version,
        "metrics": prediction.get("metrics") or {},
        "prompt": prompt,
        "prompt_version": version_of(prompt) if isinstance(prompt, str) else None,
        "seed": given.get(card.seed.field) if card.seed else None,
    }
