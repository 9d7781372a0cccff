"""When a command is offline, and what that rules out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeagent.errors import UsageError
from edgeagent.settings import offline_wanted

if TYPE_CHECKING:
    from edgeagent_harness.policy.types import Egress

OBSERVERS = ("prove",)
"""They look at an offline run from outside."""
HAND_OVER = ("doctor", "sandbox")
"""They see no screen, and start or become programs that bring up sandboxes: those need more than unix sockets."""


def begin(command: str, flag: bool) -> None:
    """Enter offline mode if the user wants it, before ``command`` is so much as imported."""
    if command in OBSERVERS or not offline_wanted(flag):
        return
    from edgeagent import offline

    if command in HAND_OVER:
        offline.enter_namespace()
    else:
        offline.enter()


def settle_offline(flag: bool, egress: Egress, policy_name: str, url: str) -> None:
    """Go on offline if ``flag`` or the policy says so: by starting this command again, unless it is offline already.

    Raises `UsageError` for a policy that contradicts, or that permits no page but ``url`` is one, and `EnvironmentProblem` for a
    page that would need the network.
    """
    from edgeagent import offline
    from edgeagent.policy.possible import is_reachable

    if flag or egress.mode == "offline":
        offline.restart_offline()
    remote = bool(url) and not is_reachable(url)
    if not offline.is_offline():
        if remote and egress.mode == "deny":
            raise UsageError(
                f"--url {url} cannot be reached: with policy {policy_name} the sandbox has no network but its own loopback",
                "permit it in a policy of your own: edgeagent policy show web > my.yaml; "
                "edgeagent policy allow HOST:PORT --policy my.yaml; then run with --policy my.yaml",
            )
        return
    if egress.mode == "allowlist" or egress.endpoints:
        raise UsageError(
            f"{policy_name}: network.egress lists endpoints, and this is offline mode: nothing may be reached",
            "leave --offline (EDGEAGENT_OFFLINE, config.toml) away, or give the policy egress: {mode: offline}",
        )
    if remote:
        offline.require_network(f"--url {url}")


def go_on_as_recorded(recorded_offline: bool) -> None:
    """A session that was offline goes on offline, and is replayed offline."""
    from edgeagent import offline

    if recorded_offline:
        offline.restart_offline()
