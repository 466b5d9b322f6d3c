"""The reference of the test doubles names every option, fault, event and order, and no other."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from staging_core.testing import replicate, tcp_proxy
from staging_core.testing.replicate import Chaos, RunningReplicate, Settings
from staging_core.testing.replicate.__main__ import _parser
from staging_core.testing.replicate.chaos import GROUPS

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/test-doubles.md"
# These sections are held against their doubles in tests of their own.
TEXT = re.sub(r"(?ms)^## (An issuer|A credit service)$.*?(?=^## )", "", PAGE.read_text("utf-8"))
WORDS = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`[^`]+`", TEXT))))


def public(kind: type) -> set[str]:
    """Its own methods and fields."""
    return {name for name in vars(kind) if not name.startswith("_")}


def test_every_public_name_is_documented() -> None:
    assert set(replicate.__all__) - {"TOKEN"} <= WORDS
    assert public(RunningReplicate) - {"double"} <= WORDS


def test_every_option_is_documented() -> None:
    options = {option for action in _parser()._actions for option in action.option_strings}
    faults = {"--" + name.replace("_", "-") for name in Chaos.__struct_fields__}
    assert options - faults - {"-h", "--help"} <= WORDS
    named = {word for word in WORDS if word.startswith("--")}
    assert named <= options | {"--target"}
    assert set(Settings.__struct_fields__) - {"tokens"} <= {
        option.removeprefix("--").replace("-", "_") for option in options
    }


def test_every_fault_is_documented_in_its_group() -> None:
    assert set(Chaos.__struct_fields__) <= WORDS
    group = ""
    rows: dict[str, set[str]] = {}
    for cells in re.findall(r"^\| (\w*) ?\| (`[^|]+`) \|", TEXT, re.MULTILINE):
        group = cells[0] or group
        rows.setdefault(group, set()).update(re.findall(r"`(\w+)`", cells[1]))
    for name, faults in GROUPS.items():
        assert rows[name] == set(faults)


def test_every_order_of_the_proxy_is_documented() -> None:
    orders = set(re.findall(r'case "(\w+)"', inspect.getsource(tcp_proxy.TcpProxy.obey)))
    assert orders <= WORDS
    assert orders <= public(tcp_proxy.TcpProxy)
