"""In the terminal app a real backend is connected to by a form: what is wrong stays in it, and its key is shown first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import form_run
from support.cloud import Backend, backend
from support.terminal import begin, status, until
from textual.pilot import Pilot
from textual.widgets import Input, Static

from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.backends import backends, backends_path, keep_backend
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.tui.connect_screen import ConnectScreen
from edgeagent.tui.dialog import ChoiceScreen
from edgeagent.tui.teleport_screen import TeleportScreen


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    with backend(tmp_path / "cloud", {}) as made:
        yield made


def said(pilot: Pilot[None]) -> str:
    return "".join(str(line.render()) for line in pilot.app.screen.query("#connect-words").results(Static))


async def opened(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ConnectScreen) and bool(pilot.app.screen.query("#ca")))
    await pilot.pause()


async def meet(pilot: Pilot[None], answer: str, **fields: str) -> None:
    """Write ``fields`` (empty: as it is), press Enter in the last, and wait until the form says ``answer``."""
    for name, value in fields.items():
        pilot.app.screen.query_one(f"#{name.replace('_', '-')}", Input).value = value
    await pilot.press("enter")
    await until(pilot, lambda: answer in said(pilot), 40)


async def test_connected_to_and_moved(world: Backend, tmp_path: Path) -> None:
    known = await world.connected()
    app = EdgeAgentApp(lambda: form_run.make(SessionStore()))
    (tmp_path / "pem").write_text("no certificate")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(pilot, "fill in the form and send it")
        await until(pilot, lambda: "done" in status(screen) and not screen.running)
        await pilot.press("t")
        await opened(pilot)
        await meet(pilot, "'' cannot be the name")
        await meet(pilot, "a token would travel in the clear", name="attic", url="http://192.0.2.1:8470")
        await meet(pilot, "no address of a backend", url="https://192.0.2.1:http")
        await meet(pilot, "that is no token", url=known.url)
        await meet(pilot, "the token file /no/such cannot be read", token_file="/no/such")
        (tmp_path / "token").write_text(f"{known.token}\n")
        await meet(pilot, "empty one of the two", token="wrong", token_file=str(tmp_path / "token"))
        await meet(pilot, "ask for a token with the scopes", token_file="")
        await meet(pilot, "/no/such.pem is not a file", ca="/no/such.pem")
        await meet(pilot, "cannot be read", ca=str(tmp_path / "pem"))
        await meet(pilot, "the backend cannot be reached", url="http://127.0.0.1:9", ca="")
        assert backends() == {}

        await meet(pilot, known.signer, url=known.url, token="", token_file=str(tmp_path / "token"))
        assert backends() == {}, "not before the key was looked at"
        await pilot.press("n")
        assert app.screen.query_one("#url", Input).value == known.url, "no leads back to the form"
        await meet(pilot, known.signer)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, TeleportScreen))
        assert backends() == {"attic": known}
        assert backends_path().stat().st_mode & 0o777 == 0o600
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)


async def test_another_one_beside_those_that_are_known(world: Backend) -> None:
    known = await world.connected()
    keep_backend("attic", known)
    keep_backend("cellar", known)
    app = EdgeAgentApp(lambda: form_run.make(SessionStore()))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot, "fill in the form and send it")
        await until(pilot, lambda: "done" in status(screen) and not screen.running)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and bool(app.screen.query("#choices")))
        await pilot.press("end", "enter")
        await opened(pilot)
        await meet(pilot, known.signer, name="loft", url=known.url, token=f" {known.token} ")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is screen)
    assert sorted(backends()) == ["attic", "cellar"], "nothing is remembered without a yes"
