"""Logs: one JSON object a line, with the ids of request, trace, user, image and job.

Everything goes through the standard library's ``logging``, ours and other packages' alike. Neither
bodies nor headers are logged, and what looks like a secret is blotted out, also in tracebacks.
"""

from __future__ import annotations

import gc
import logging
import sys
import traceback
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from opentelemetry import trace

from .flushing import Flushes
from .redaction import redacted

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

Event = MutableMapping[str, Any]

_QUIET = ("alembic", "httpx", "httpcore", "asyncio", "taskiq", "botocore", "aiobotocore", "uvicorn")


@contextmanager
def logging_to(
    stream: TextIO | None = None, *, level: str = "INFO", as_json: bool | None = None
) -> Iterator[None]:
    """Log to ``stream`` (standard error) while the block runs.

    ``as_json``: by default exactly when nobody sits at a terminal.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter(as_json=not out.isatty() if as_json is None else as_json))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    quiet = [logging.getLogger(name) for name in _QUIET]
    levels = [each.level for each in quiet]
    root.handlers[:] = [handler]
    root.setLevel(level)
    for each in quiet:
        each.setLevel(logging.WARNING)
    try:
        yield
    finally:
        # What nobody asked about says so when it goes: here, and not where nobody reads it as JSON.
        gc.collect()
        root.handlers[:], level_before = before
        root.setLevel(level_before)
        for each, level_of_it in zip(quiet, levels, strict=True):
            each.setLevel(level_of_it)


@contextmanager
def sent_to_collector(resource: Resource, flushes: Flushes) -> Iterator[None]:
    """Send what is logged to the collector as well, as OTLP, with the same words left out.

    What is not sent when the block ends is for ``flushes`` to send.
    """
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource, shutdown_on_exit=False)
    lines = OTLPLogExporter()
    provider.add_log_record_processor(BatchLogRecordProcessor(lines))
    flushes.add(provider.shutdown, lines.shutdown)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        sending = LoggingHandler(logger_provider=provider)
    handler = _Blotting(sending)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Blotting(logging.Handler):
    """Hands on to another handler what may be read; no filter could do so in Python 3.11."""

    def __init__(self, sending: logging.Handler) -> None:
        super().__init__()
        self._sending = sending

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it on, in other words."""
        self._sending.handle(_without_secrets(record))


def _without_secrets(record: logging.LogRecord) -> logging.LogRecord:
    """Another record, whose words are final; its traceback is words too.

    The ids that its line has are attributes of it.
    """
    said = redacted(record.getMessage())
    if record.exc_info:
        said += "\n" + redacted("".join(traceback.format_exception(*record.exc_info)))
    told = {
        **structlog.contextvars.get_contextvars(),
        **record.__dict__,
        "args": (),
        "exc_info": None,
    }
    blotted = logging.makeLogRecord(_blotted({**told, "msg": said}))
    blotted.args = ()
    blotted.exc_text = None
    return blotted


def formatter(*, as_json: bool) -> logging.Formatter:
    """Turns a record into a line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _name_trace,
    ]
    end = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redact,
            end,
        ],
    )


def _name_trace(_logger: object, _method: str, event: Event) -> Event:
    """Which trace and span this is said in."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    return event


def _redact(_logger: object, _method: str, event: Event) -> Event:
    """Every text of the event, however deep."""
    return {name: _blotted(value) for name, value in event.items()}


def _blotted(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {name: _blotted(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_blotted(each) for each in value]
    return value if isinstance(value, int | float | bool | None) else redacted(str(value))
