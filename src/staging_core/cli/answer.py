"""Answers on stdout: lines for people, one JSON object a line for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import msgspec


def say_json(answer: Any) -> None:
    """One object on one line; structs and tuples become what JSON has."""
    click.echo(msgspec.json.encode(answer, enc_hook=str).decode())


def say_line(text: str) -> None:
    """A line for people."""
    click.echo(text)


def say_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns, each as wide as its longest cell; the last one is not padded."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
