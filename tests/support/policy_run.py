"""A scripted run in a made-up internet whose user edits the policy under way; prints what a person was told, and the audit.

python policy_run.py ROOT POLICY     POLICY must permit nothing; allowed.example and evil.example are asked for again and again
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent.policy.allowed import allow_in
from edgeagent.policy.news import AuditNews
from edgeagent.ports import Model, Prompt
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol.actions import Action, Finish, Wait
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.messages import Application, DesktopSpec

HOSTS = ("allowed.example", "evil.example")
CLIENT = " ".join(f"curl -s -m 5 -o /dev/null -w '%{{http_code}} ' http://{host}/;" for host in HOSTS)
LOOP = f"while :; do {{ {CLIENT} echo; }} >> ~/answers; sleep 0.1; done"
STAGES = ("403 403", "200 403", "200 200", "403 200")
"""What the client must have seen before the next edit."""


class User:
    """Sits at a second terminal: edits the policy, allows a host, breaks the file, takes a place back."""

    def __init__(self, root: Path, policy: Path) -> None:
        self.root, self.policy = root, policy
        self.stage = 0
        self.told: list[str] = []

    def next_action(self, _: Prompt) -> Action:
        (session,) = self.root.iterdir()
        answers = session / "home" / "answers"
        lines = answers.read_text().splitlines() if answers.exists() else []
        if self.stage < len(STAGES) and lines and lines[-1].strip() == STAGES[self.stage]:
            self.edit(session)
            self.stage += 1
        over = self.stage == len(STAGES) and any("still hold" in words for words in self.told)
        return Finish() if over else Wait(200)

    def edit(self, session: Path) -> None:
        text = self.policy.read_text()
        match self.stage:
            case 0:
                self.replace(text.replace("endpoints: []", f"endpoints: [{{host: {HOSTS[0]}, port: 80}}]"))
            case 1:
                allow_in(session, Endpoint(HOSTS[1], 80))
            case 2:
                self.replace("resource_limits: {max_pids: 512}\n" + text.replace(f"[{{host: {HOSTS[0]}, port: 80}}]", "[]"))
            case _:
                self.replace("nonsense: 1\n")

    def replace(self, text: str) -> None:
        new = self.policy.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.policy)


async def main(root: Path, policy: Path, policy_yaml: str) -> None:
    user, news = User(root, policy), AuditNews()

    def audited(session: str, entry: Entry) -> None:
        if words := news.words(session, entry):
            user.told.append(words)

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: object) -> AsyncGenerator[Model]:
        yield ScriptedModel(user.next_action)

    application = Application(("/bin/sh", "-c", LOOP), wait_window=False)
    spec = DesktopSpec(640, 480, applications=(application,), policy_yaml=policy_yaml, policy_name=str(policy))
    runner = Runner(SessionStore(root), open_model=open_model, audit_listeners=[audited])
    result = await runner.start(RunRequest("wait", spec))
    print(json.dumps({"outcome": result.ended.outcome, "session": result.session, "told": user.told}))


if __name__ == "__main__":
    file = Path(sys.argv[2])
    asyncio.run(main(Path(sys.argv[1]), file, file.read_text()))
