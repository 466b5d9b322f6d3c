"""What the database answers: a row, its values by their columns' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
