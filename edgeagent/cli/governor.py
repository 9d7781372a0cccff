"""``edgeagent governor``: hold all running sessions to common rules."""

from __future__ import annotations

import click

from edgeagent.cli.choices import POLICY_CHOICES
from edgeagent.cli.exits import EXIT_CODES_HELP
from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.words import printable


@click.command(epilog=EXIT_CODES_HELP)
@click.option("--policy", required=True, metavar=POLICY_CHOICES, help="Its gate.governor limits, and what gate.rules deny.")
def governor(policy: str) -> None:
    """Watch all running sessions until Ctrl-C, and stop each that breaks a rule of POLICY. What was stopped is audited."""
    from edgeagent.folders import sessions_root
    from edgeagent.governor.governor import Governor
    from edgeagent.governor.tally import Tally
    from edgeagent.policy.judge import compile_rules
    from edgeagent.policy.loading import load_policy
    from edgeagent_harness.audit import AuditDamaged, AuditLog
    from edgeagent_harness.policy.gate_types import GovernorLimits

    text, rules = load_policy(policy)
    if rules.gate.governor == GovernorLimits() and all(rule.decision != "deny" for rule in rules.gate.rules):
        raise UsageError(
            f"policy {text.name} has neither limits in gate.governor nor a gate rule that denies: no session would be stopped",
            "write some in a policy of your own; docs/gate.md tells the keys",
        )
    root = sessions_root()
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = root.parent / "governor.jsonl"
    try:
        opened = AuditLog(path)
    except (OSError, AuditDamaged) as error:
        raise EnvironmentProblem(
            f"what is stopped cannot be listed in {path}: {error}",
            "one governor watches all sessions; `edgeagent audit verify` tells more",
        ) from error
    with opened as log:
        tally = Tally(rules.gate.governor, compile_rules(rules.gate, text.name))
        click.echo(f"watching {root}; what is stopped is listed in {log.path}")
        Governor(root, tally, log, lambda said: click.echo(printable(said))).watch()
