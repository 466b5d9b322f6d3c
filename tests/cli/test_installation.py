"""Looking at the installation: backends, plugins, doctor, database, sweep."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from staging_core.audit import SOUND
from staging_core.testing import certify as certify_module
from staging_core.testing.replicate import running_replicate

from .conftest import Cli, Ran


def backends(ran: Ran) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["kind"], row["scheme"]): row for row in ran.json["backends"]}


def test_backends_shows_every_scheme_and_which_are_chosen(cli: Cli) -> None:
    rows = backends(cli("backends", "--json"))
    assert {("stager", "render"), ("stager", "fake"), ("storage", "file")} <= set(rows)
    assert rows["stager", "fake"]["chosen"]
    assert not rows["stager", "render"]["chosen"]
    assert rows["queue", "local"]["capabilities"] is None
    assert "*  stager" in cli("backends").out


def test_backends_opened_tell_what_they_can_do(cli: Cli) -> None:
    rows = backends(cli("backends", "--open", "--json"))
    assert rows["storage", "file"]["capabilities"] == ["Copies", "Tidies"]
    assert rows["stager", "fake"]["capabilities"] == ["Stager"]


def test_backends_helps_whoever_chose_a_wrong_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STAGER", "rendr:")
    assert ("stager", "render") in backends(cli("backends", "--json"))
    ran = cli("jobs", "list", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "unknown_scheme")
    assert "render" in ran.json["error"]["remedy"]


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("STAGING_STORAGEE", "file:", "setting_invalid"),
        ("STAGING_LEASE_S", "soon", "setting_invalid"),
        ("STAGING_PLUGINS", "no-such-plugin", "plugin_broken"),
        ("STAGING_AUTH", "jwt:https://issuer.example", "setting_missing"),
    ],
)
def test_a_wrong_setting_is_wrong_use_and_named(
    variable: str, value: str, code: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    ran = cli("jobs", "list", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, code)


def test_settings_are_read_from_the_file_in_the_folder(cli: Cli, folder: Path) -> None:
    (folder / "staging.toml").write_text('home = "elsewhere"\n')
    assert cli("jobs", "list").code == 0
    assert (folder / "elsewhere").is_dir()
    assert not (folder / ".staging").exists()


def test_a_home_that_cannot_be_made_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_HOME", "text.jpg/home")
    ran = cli("jobs", "list", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "home_unwritable")
    assert "STAGING_HOME" in ran.json["error"]["remedy"]


def test_doctor_finds_a_sound_installation_sound(cli: Cli) -> None:
    told = cli("doctor", "--json").json
    assert told["ok"]
    names = [check["name"] for check in told["checks"]]
    tried = ["disk", "database", "queue", "storage", "pictures", "spend", "gates", "storage: alone"]
    assert names[-8:] == tried
    assert all(check["ok"] for check in told["checks"])
    assert cli("doctor").out.count("ok ") == len(names)


def test_doctor_warns_when_two_installations_share_a_place(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STORAGE", f"file:{folder}/shared")
    for home, advice in (("one", False), ("two", True), ("one", False)):
        monkeypatch.setenv("STAGING_HOME", home)
        told = cli("doctor", "--json").json
        assert told["ok"]
        assert ("advice" in told["checks"][-1]) == advice
    monkeypatch.setenv("STAGING_HOME", "two")
    assert "hm  storage: alone: Another installation" in cli("doctor").out


def test_doctor_names_a_cap_under_which_no_job_can_run(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STAGER", "fake:?cost_usd=0.04")
    monkeypatch.setenv("STAGING_DAILY_SPEND_USD", "10")
    assert "ok  spend: 0.00 USD are taken today, of 10 USD" in cli("doctor").out
    monkeypatch.setenv("STAGING_PROJECT_DAILY_SPEND_USD", "0.03")
    ran = cli("doctor")
    assert ran.code == 1
    assert "BAD spend: A picture of fake costs 0.04 USD; `project_daily_spend_usd`" in ran.out


def test_doctor_says_where_reports_of_models_that_answer_later_arrive(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STAGER", "fake-deferred:")
    assert "hm  callbacks: fake-deferred cannot report to us" in cli("doctor").out
    monkeypatch.setenv("STAGING_PUBLIC_URL", "https://staging.example")
    assert "report to https://staging.example/api/v1/callbacks" in cli("doctor").out


def test_doctor_looks_at_replicate(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_STAGER", "replicate:qwen/qwen-image-edit")
    with running_replicate() as double:
        monkeypatch.setenv("REPLICATE_BASE_URL", double.url)
        monkeypatch.setenv("REPLICATE_API_TOKEN", double.token)
        checks = {one["name"]: one for one in cli("doctor", "--json").json["checks"]}
        assert checks["qwen/qwen-image-edit: model"]["ok"]
        assert checks["qwen/qwen-image-edit: secret"]["ok"]
        monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_of_nobody")
        ran = cli("doctor", "--json")
        assert (ran.code, ran.json["error"]["remedy"].split()[1]) == (1, "REPLICATE_API_TOKEN")
        assert "r8_of_nobody" not in ran.out + ran.err
    assert "qwen/qwen-image-edit: model: http://127.0.0.1" in cli("doctor").out


def test_doctor_names_what_cannot_be_opened(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_QUEUE", "rabbit:")
    ran = cli("doctor", "--json")
    assert (ran.code, ran.json["ok"], ran.json["error"]["code"]) == (1, False, "unknown_scheme")
    assert "BAD open" in cli("doctor").out


def test_the_audit_counts_by_invariant_and_fails_on_any(cli: Cli, folder: Path) -> None:
    cli("stage", "one.jpg", "--room", "bedroom", "--style", "modern", "-o", "out.png")
    assert cli("doctor", "--audit", "--json").json == SOUND
    staged = next(folder.glob(".staging/**/staged/**/*.png"))
    staged.unlink()
    ran = cli("doctor", "--audit", "--json")
    assert (ran.code, ran.json["I6"]) == (1, 1)
    assert ran.json["error"]["code"] == "invariant_violated"


def test_db_upgrade_makes_the_schema_once(cli: Cli) -> None:
    first = cli("db", "upgrade", "--json").json
    assert first["before"] is None
    assert cli("db", "upgrade", "--json").json == {
        "before": first["after"],
        "after": first["after"],
    }
    assert "up to date" in cli("db", "upgrade").out


def test_sweep_counts_what_it_did(cli: Cli) -> None:
    cli("submit", "one.jpg", "--room", "bedroom", "--style", "modern")
    assert cli("sweep", "--json").json["nudged"] == 1


def test_sweep_compares_the_storage_when_asked(cli: Cli) -> None:
    assert "orphans: 0" in cli("sweep", "--bucket").out


def test_sweep_does_what_is_due_once_an_hour_and_exits_with_1_when_a_duty_fails(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("sweep", "--json").json["orphans"] == 0
    assert "orphans" not in cli("sweep", "--json").json

    async def fails(*_: Any) -> int:
        raise RuntimeError("not now")

    monkeypatch.setattr("staging_core.recovery.claims.due", fails)
    ran = cli("sweep", "--json")
    assert (ran.code, ran.json["failed"], ran.json["error"]["code"]) == (1, 1, "sweep_failed")
    assert "1 of the duties failed" in cli("sweep").err


def test_plugins_lists_names_versions_and_hooks(cli: Cli) -> None:
    (row,) = cli("plugins", "--json").json["plugins"]
    assert row["name"] == row["distribution"] == "staging-core"
    assert "staging_stagers" in row["hooks"]
    assert "stage" in row["commands"]


@pytest.mark.parametrize("code", [0, 1])
def test_certify_answers_in_json_and_reports_on_stderr(
    code: int, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def certify(name: str, *, urls: dict[str, str]) -> int:
        subprocess.run([sys.executable, "-c", "print('report')"], check=True)
        assert (name, urls) == ("staging-core", {"file": "file:/x"})
        return code

    monkeypatch.setattr(certify_module, "certify", certify)
    ran = cli("certify", "staging-core", "--url", "file=file:/x", "--json")
    assert (ran.code, ran.json["passed"]) == (code, code == 0)
    assert ("error" in ran.json) == bool(code)
    assert ran.err == "report\n"


def test_certify_of_what_is_not_there_is_wrong_use(cli: Cli) -> None:
    ran = cli("certify", "no-such-distribution", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "plugin_broken")
    assert cli("certify", "x", "--url", "file", "--json").code == 2
