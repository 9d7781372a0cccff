"""A login with a secret typed by reference: the server gets it, and nothing that is kept of the session holds it.

Kept are the log, the frames, the audit, the home and every export; the field's pixels are covered in frames and prompts alike.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.login_site import PAGE, SERVE, SERVER, posted

from edgeagent import events
from edgeagent.ports import Model, Prompt
from edgeagent.recording.export import export
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import Runner, RunRequest, RunResult
from edgeagent.secrets.scrub import Scrubber
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent_harness.protocol.actions import Action, Batch, Click, Finish, Type
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Application, DesktopSpec

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]
VALUE = "Tr0ub4dor&9x"
POLICY = "version: 1\nsecrets:\n  - {name: site, source: environment, hosts: [HOST]}\n"
TASK = f"Sign in as anna with the password {VALUE}."
USER, PASSWORD, SUBMIT, EYE = Point(200, 120), Point(200, 200), Point(100, 260), Point(450, 200)
FIELD = Rect(60, 182, 364, 220)


async def login(tmp_path: Path, model: Model, kind: str = "password", host: str = "bank.localhost", **more: object) -> RunResult:
    home = tmp_path / "home"
    home.mkdir()
    (home / "page.html").write_text(PAGE.replace("KIND", kind))
    (home / "server.py").write_text(SERVER)
    policy = POLICY.replace("HOST", host)
    serve = Application(SERVE, wait_window=False)
    spec = DesktopSpec(home=str(home), applications=(serve,), url="http://bank.localhost:8731/", policy_yaml=policy)
    runner = Runner(SessionStore(tmp_path / "sessions"), open_model=lambda *_: contextlib.nullcontext(model))
    return await runner.start(RunRequest(TASK, spec))


def script(prompts: list[Prompt]) -> Callable[[Prompt], Action]:
    """Types the secret by reference, shows it in clear, hides it, sends it."""
    steps: list[Action] = [
        Batch((Click(USER), Type("anna"))),
        Batch((Click(PASSWORD), Type(secret_ref="site"))),
        Click(EYE),
        Click(USER),
        Click(SUBMIT),
    ]

    def say(prompt: Prompt) -> Action:
        prompts.append(prompt)
        return steps[done(prompt)] if done(prompt) < len(steps) else Finish()

    return say


def done(prompt: Prompt) -> int:
    """Steps that were carried out; on a slow machine the page may still have been coming up."""
    return sum(step.effect.status != "refused" for step in prompt.history.steps)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_SECRET_SITE", VALUE)


@pytest.mark.parametrize("kind", ["password", "text"])
async def test_the_server_gets_it_and_nothing_keeps_it(tmp_path: Path, kind: str) -> None:
    prompts: list[Prompt] = []
    result = await login(tmp_path, ScriptedModel(script(prompts)), kind)
    assert result.ended.outcome == "done"
    assert posted(tmp_path / "home") == {"user": "anna", "password": VALUE}
    directory = tmp_path / "sessions" / result.session
    (tmp_path / "home" / "posted.txt").unlink()
    for format_name in ("html", "atif", "osworld"):
        export(directory, format_name, directory / f"export-{format_name}")
    assert list(holding(tmp_path)) == []
    assert all(VALUE not in prompt.task and "{secret:site}" in prompt.task for prompt in prompts)
    assert ink(prompts[0]) == 0
    covers = {covered(prompt) for prompt in prompts if done(prompt) in (2, 3, 4)}
    assert len(covers) == 1, "what the model sees of the field depends on what stands in it"
    with SessionReader.open(directory) as reader:
        facts = [event.data for event in reader.events()]
        screens = [reader.frame(fact.frame).pixels for fact in facts if isinstance(fact, events.Acted)]
        typed = [fact.action for fact in facts if isinstance(fact, events.Intent)][1]
    assert typed == Batch((Click(PASSWORD), Type(secret_ref="site")))
    recorded = {field_of(pixels).tobytes() for pixels in screens[1:4]}
    assert recorded == covers


async def test_it_is_not_typed_into_another_host(tmp_path: Path) -> None:
    result = await login(tmp_path, ScriptedModel(script([])), host="other.localhost")
    assert result.ended.outcome == "limit"
    assert posted(tmp_path / "home") == {}


async def test_typed_in_clear_it_becomes_a_reference(tmp_path: Path) -> None:
    steps = [Batch((Click(PASSWORD), Type(VALUE, submit=True))), Finish()]
    result = await login(tmp_path, ScriptedModel(lambda prompt: steps[done(prompt)]))
    assert posted(tmp_path / "home")["password"] == VALUE
    log = (tmp_path / "sessions" / result.session / "events.jsonl").read_bytes()
    assert not holds(log)
    assert b'"secret_ref":"site"' in log


def test_the_check_would_find_it() -> None:
    assert holds(b"x" + VALUE.upper().encode() + b"y")
    assert holds(base64.b64encode(f"anna:{VALUE}".encode()))
    assert not holds(b"{secret:site}")


def holding(top: Path) -> Iterator[Path]:
    """Files below ``top`` that hold the secret."""
    yield from (path for path in top.rglob("*") if path.is_file() and holds(path.read_bytes()))


def holds(data: bytes) -> bool:
    text = data.decode("latin-1")
    wide = data.decode("utf-16-le", "ignore")
    scrubber = Scrubber({"site": VALUE})
    return scrubber.text(text) != text or scrubber.text(wide) != wide


def field_of(pixels: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    whole = np.frombuffer(pixels, "<u4").reshape(800, 1280) & np.uint32(0xFFFFFF)
    return whole[FIELD.top : FIELD.bottom, FIELD.left : FIELD.right]


def covered(prompt: Prompt) -> bytes:
    return field_of(prompt.screen.pixels).tobytes()


def ink(prompt: Prompt) -> int:
    """Dark pixels well inside of the field."""
    return int((field_of(prompt.screen.pixels)[8:-8, 8:-8] < 0x808080).sum())
