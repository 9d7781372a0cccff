"""Runs commands in the sandbox, with a policy, and reads what the audit lists of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeagent_harness import audit
from edgeagent_harness.protocol.audit import Entry

SANDBOX = (sys.executable, "-m", "edgeagent_harness.outside")
AS_USER = (sys.executable, str(Path(__file__).with_name("as_user.py")), "54322") if os.geteuid() == 0 else ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A sandbox that is over."""

    code: int
    output: str
    errors: str
    entries: list[Entry] = field(default_factory=list[Entry])

    def of(self, kind: type[Entry]) -> list[Entry]:
        """The entries of one kind."""
        return [entry for entry in self.entries if isinstance(entry, kind)]


def execute(
    scratch: Path, command: Sequence[str], policy: str = "", home: Path | None = None, prefix: Sequence[str] = ()
) -> Ended:
    """``sandbox exec`` with everything audited below ``scratch``; ``prefix`` goes before the command line."""
    policy_file, log = scratch / "policy.yaml", scratch / f"audit-{os.urandom(4).hex()}.jsonl"
    policy_file.write_text(policy or "version: 1\n")
    for path in (scratch, policy_file):
        path.chmod(0o777)
    argv = [*prefix, *SANDBOX, "exec", "--policy", str(policy_file), "--audit", str(log)]
    argv += ["--home", str(home)] if home else []
    run = subprocess.run([*argv, "--", *command], capture_output=True, text=True, timeout=90, check=False)
    if not log.exists():
        return Ended(run.returncode, run.stdout, run.stderr)
    checked = audit.verify(log)
    assert not checked.problems
    assert not checked.torn
    return Ended(run.returncode, run.stdout, run.stderr, [line.entry for line in audit.read(log)])
