"""``staging stage``: what it writes, what it prints, and with which code it ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from staging_core.imaging.provenance import read_mark

from .conftest import Cli, picture

ROOM = ("--room", "living_room", "--style", "modern")


def test_the_main_path_writes_a_picture_as_large_as_the_photo(cli: Cli, folder: Path) -> None:
    ran = cli("stage", "one.jpg", *ROOM, "--seed", "7", "-o", "staged.png")
    assert (ran.code, ran.out) == (0, "staged.png: 96 x 64, modern, seed 7\n")
    assert picture(folder / "staged.png").size == (96, 64)


def test_json_tells_all_that_a_program_wants(cli: Cli, folder: Path) -> None:
    told = cli("stage", "one.jpg", *ROOM, "--seed", "7", "-o", "staged.png", "--json").json
    keys = ["job", "status", "outputs", "model", "cost_usd", "timings_ms", "report"]
    assert list(told) == keys
    assert (told["status"], told["model"], told["cost_usd"]) == ("ready", "fake", 0)
    data = (folder / "staged.png").read_bytes()
    assert told["outputs"] == [
        {
            "path": "staged.png",
            "width": 96,
            "height": 64,
            "sha256": hashlib.sha256(data).hexdigest(),
            "style": "modern",
            "seed": 7,
        }
    ]
    assert told["timings_ms"]["stage"] > 0
    assert cli("jobs", "show", told["job"], "--json").json["state"] == "ready"


@pytest.mark.parametrize("name", ["out.jpg", "out.JPEG", "out.webp"])
def test_the_ending_chooses_the_format_and_the_mark_stays(
    name: str, cli: Cli, folder: Path
) -> None:
    told = cli("stage", "one.jpg", *ROOM, "-o", name, "--json").json
    data = (folder / name).read_bytes()
    kind = picture(folder / name).format
    assert kind == ("WEBP" if name.endswith("webp") else "JPEG")
    assert told["outputs"][0]["sha256"] == hashlib.sha256(data).hexdigest()
    assert read_mark(data) is not None


def test_the_same_seed_gives_the_same_bytes(cli: Cli) -> None:
    first, second = (
        cli("stage", "one.jpg", *ROOM, "--seed", "9", "-o", name, "--json").json["outputs"][0]
        for name in ("a.png", "b.png")
    )
    assert first["sha256"] == second["sha256"]


def test_several_pictures_go_into_a_folder_each_under_its_own_name(cli: Cli, folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "one.jpg").write_bytes((folder / "one.jpg").read_bytes())
    photos = ("one.jpg", "two.jpg", "sub/one.jpg")
    ran = cli("stage", *photos, *ROOM, "--variants", "2", "--seed", "5", "-o", "out", "--json")
    assert ran.code == 0
    paths = [output["path"] for told in ran.lines for output in told["outputs"]]
    assert sorted(paths) == sorted(str(path.relative_to(folder)) for path in folder.glob("out/*"))
    assert paths[:2] == ["out/one-modern-5.png", "out/one-modern-6.png"]
    assert paths[4] == "out/one-modern-5-2.png"


def test_several_pictures_under_one_file_name_are_numbered(cli: Cli) -> None:
    told = cli("stage", "one.jpg", *ROOM, "--variants", "3", "-o", "out.jpg", "--json").json
    assert [output["path"] for output in told["outputs"]] == [
        "out-1.jpg",
        "out-2.jpg",
        "out-3.jpg",
    ]


def test_without_a_name_the_picture_goes_to_the_working_folder(cli: Cli, folder: Path) -> None:
    cli("stage", "one.jpg", *ROOM, "--seed", "5")
    assert (folder / "one-modern-5.png").is_file()


def test_a_bad_photo_keeps_no_other_from_being_staged(cli: Cli, folder: Path) -> None:
    ran = cli("stage", "text.jpg", "one.jpg", "missing.jpg", *ROOM, "-o", "out", "--json")
    assert ran.code == 1
    codes = [told.get("error", {}).get("code") for told in ran.lines]
    assert codes == ["picture_unsupported", None, "file_missing"]
    assert all(told["error"]["remedy"] for told in ran.lines if "error" in told)
    assert len(list(folder.glob("out/*"))) == 1


def test_for_people_a_failure_names_photo_code_and_remedy(cli: Cli) -> None:
    ran = cli("stage", "text.jpg", "one.jpg", *ROOM, "-o", "out")
    assert ran.code == 1
    assert ran.err.startswith("text.jpg: The file is text")
    assert "(picture_unsupported)" in ran.err
    assert "Send a JPEG" in ran.err
    assert ran.out.startswith("out/one-modern-")


@pytest.mark.parametrize(("script", "code"), [("refused", "refused"), ("moderated", "moderated")])
def test_a_refused_job_ends_with_one(
    script: str, code: str, cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STAGER", f"fake:?script={script}")
    ran = cli("stage", "one.jpg", *ROOM, "-o", "out.png", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, code)
    assert ran.json["status"] == "error"
    assert cli("jobs", "show", ran.json["job"], "--json").json["error"] == code
    assert not (folder / "out.png").exists()


def test_a_failed_attempt_is_made_good(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_STAGER", "fake:?script=retryable")
    assert cli("stage", "one.jpg", *ROOM, "--json").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--room", "kichen", "--style", "modern"), "unknown_room"),
        (("--room", "kitchen", "--style", "moderne"), "unknown_style"),
        ((*ROOM, "-o", "out.gif"), "bad_request"),
        ((*ROOM, "-o", "one.jpg"), "bad_request"),
        ((*ROOM, "--seed", "0"), "wrong_use"),
        ((*ROOM, "--variants", "21"), "wrong_use"),
        ((*ROOM, "--colour", "red"), "wrong_use"),
        (("--room", "kitchen"), "wrong_use"),
    ],
)
def test_wrong_use_ends_with_two_before_anything_is_made(
    words: tuple[str, ...], code: str, cli: Cli, folder: Path
) -> None:
    before = sorted(folder.iterdir())
    ran = cli("stage", "one.jpg", *words, "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, code)
    assert set(ran.json["error"]) == {"code", "message", "remedy"}
    assert all(ran.json["error"].values())
    assert sorted(folder.iterdir()) == before


def test_what_the_model_cannot_honour_is_wrong_use(cli: Cli) -> None:
    ran = cli("stage", "one.jpg", *ROOM, "--model", "qwen", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "unknown_model")


def test_a_near_name_is_offered(cli: Cli) -> None:
    ran = cli("stage", "one.jpg", "--room", "livingroom", "--style", "modern")
    assert "living_room" in ran.err


def test_an_output_that_cannot_be_written_says_so(cli: Cli, folder: Path) -> None:
    (folder / "taken").write_text("a file, not a folder")
    ran = cli("stage", "one.jpg", *ROOM, "-o", "taken/out.png", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (2, "bad_request")
    assert "taken" in ran.json["error"]["message"]


def test_only_what_was_staged_differs_from_the_photo(cli: Cli, folder: Path) -> None:
    cli("stage", "one.jpg", *ROOM, "-o", "staged.png")
    before, after = (
        np.asarray(picture(folder / name).convert("RGB")) for name in ("one.jpg", "staged.png")
    )
    assert 0 < (before != after).any(axis=2).mean() < 0.5
