"""The gate denies a URL that the egress broker would refuse, by the same decision, before a browser is sent there."""

from __future__ import annotations

import pytest

from edgeagent.policy.possible import impossible
from edgeagent_harness.policy.types import Egress, Endpoint, Policy, Violations
from edgeagent_harness.protocol.actions import OpenUrl

ALLOWLIST = Policy(egress=Egress("allowlist", (Endpoint("allowed.example", 443),)))

REFUSED = (
    "https://evil.example/",
    "http://allowed.example/",
    "https://allowed.example.evil.example/",
    "https://u@allowed.example/",
    "https://1572395042/",
)


@pytest.mark.parametrize("url", REFUSED)
def test_not_reachable(url: str) -> None:
    denied = impossible(OpenUrl(url), ALLOWLIST)
    assert denied is not None
    assert denied[0] == "network.egress"


def test_what_is_only_listed_may_be_opened() -> None:
    listing = Policy(egress=ALLOWLIST.egress, violations=Violations(egress="log"))
    assert impossible(OpenUrl("https://evil.example/"), listing) is None
    assert impossible(OpenUrl("https://allowed.example/"), Policy()) is not None
