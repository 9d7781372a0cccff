"""A web form of ten steps in a real sandbox: Chromium, and a server beside it that writes down each submission in the home."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from support.form_run import TEXTS, PacedModel

from edgeagent.action import Action
from edgeagent.limits import Limits
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import as_reply
from edgeagent_harness.protocol.actions import Click, Finish, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import Application, DesktopSpec
from edgeagent_models.protocol import Element

NAMES = ("given", "family", "mail", "city")
PAGE = """<!doctype html><title>Form</title><style>*{font:18px sans-serif} input,button{position:absolute;left:60px;height:34px;
width:300px;margin:0;padding:0;border:2px solid #555;outline:none} input[type=checkbox]{width:34px}</style>
<form method=post action=/send>INPUTS<input type=checkbox name=agree style="top:300px">
<button style="top:360px;width:100px">Send</button></form>"""
INPUTS = "".join(f'<input name={name} style="top:{60 + 60 * row}px">' for row, name in enumerate(NAMES))
SERVER = """
import http.server, json, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(open("page.html").read())
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open("received.jsonl", "a") as file:
            file.write(json.dumps(dict(urllib.parse.parse_qsl(body))) + "\\n")
        self.say("<h1>Thank you</h1>")
    def say(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8731), Handler).serve_forever()
"""
SERVE = Application(("sh", "-c", "cd $HOME && exec python3 server.py"), wait_window=False)


def furnish(home: Path) -> None:
    """Page and server."""
    home.mkdir(parents=True)
    (home / "page.html").write_text(PAGE.replace("INPUTS", INPUTS))
    (home / "server.py").write_text(SERVER)


def received(home: Path) -> list[dict[str, str]]:
    """What the server got, over all machines: its list moves with the home."""
    path = home / "received.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def request(home: Path) -> RunRequest:
    spec = DesktopSpec(640, 480, str(home), (SERVE,), "http://127.0.0.1:8731/", kiosk=True)
    return RunRequest("fill in the form and send it", spec, limits=Limits(timeout_s=120))


def step(prompt: Prompt) -> Reply | Action:
    """The next step, by how many were done."""
    done = len(prompt.history.steps)
    if done < 8:
        row = done // 2
        box = Rect(60, 60 + 60 * row, 360, 94 + 60 * row)
        action: Action = Type(TEXTS[row]) if done % 2 else Click(box.centre)
        target = Element(0, "text_field", box)
    elif done == 8:
        box = Rect(60, 300, 94, 334)
        action, target = Click(box.centre), Element(0, "checkbox", box)
    elif done == 9:
        box = Rect(60, 360, 160, 394)
        action, target = Click(box.centre), Element(0, "button", box)
    else:
        return Finish("done", "sent")
    return Reply(as_reply(action).text, target=target, expect="local" if done < 9 else "anywhere")


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
    yield PacedModel(step)


def make(store: SessionStore) -> Runner:
    """What workers run: real sandboxes."""
    return Runner(store, open_model=open_model)
