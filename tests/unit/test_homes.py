"""A home directory is lent and given back without touching anything outside it, and directories of the system are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.outside.containment import homes

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change owners")
BORROWER = (65_533, 65_533)


@pytest.mark.parametrize("path", ["/", "/root", "/home", "/usr/share", "/etc", "/tmp", "relative", "/no/such/directory"])
def test_directories_of_the_system_are_refused(path: str) -> None:
    with pytest.raises(UsageProblem):
        homes.check(path, "home")


def test_a_symlink_to_one_is_refused_too(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc")
    with pytest.raises(UsageProblem, match="directory of the system"):
        homes.check(str(link), "home")


def test_a_directory_that_holds_what_runs_outside_is_refused(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    with pytest.raises(UsageProblem, match="runs outside"):
        homes.check(str(tmp_path), "home", (str(code),))
    assert homes.check(str(code), "home") == str(code.resolve())


@AS_ROOT
def test_lending_changes_the_owner_and_giving_back_restores_it(tmp_path: Path) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    (home / "deep").mkdir(parents=True)
    outside.write_text("host's")
    (home / "deep" / "file").write_text("x")
    os.chown(home / "deep" / "file", 4321, 4321)
    (home / "link").symlink_to(outside)
    os.link(outside, home / "hard")
    loan = homes.lend(str(home), BORROWER)
    assert {owner(path) for path in (home, home / "deep", home / "deep" / "file", home / "link")} == {BORROWER[0]}
    assert owner(outside) == 0
    (home / "new").write_text("made inside")
    os.chown(home / "new", *BORROWER)
    homes.give_back(loan)
    assert owner(home / "deep" / "file") == 4321
    assert {owner(path) for path in (home, home / "deep", home / "link", home / "new", outside)} == {0}


@AS_ROOT
def test_a_home_left_behind_by_a_killed_run_goes_back_to_its_owner(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    homes.lend(str(home), BORROWER)
    homes.give_back(homes.lend(str(home), BORROWER))
    assert owner(home) == 0


def owner(path: Path) -> int:
    return path.lstat().st_uid
