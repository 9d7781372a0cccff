"""Programs in a real sandbox, Chromium first, reach what the endpoints name through bridge and broker, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support import egress_browser
from support.egress_world import OTHER_WEB, WEB, World, world

pytestmark = [pytest.mark.sandbox, pytest.mark.asyncio(loop_scope="module")]

POLICY = """
version: 1
network:
  egress:
    mode: allowlist
    endpoints: [{host: allowed.example, port: 80}, {host: allowed.example, port: 443}]
"""
NOTHING = "version: 1\nnetwork: {egress: {mode: allowlist, endpoints: []}}\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def internet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    names = {"allowed.example": [WEB], "evil.example": [OTHER_WEB]}
    async with world(tmp_path_factory.mktemp("world"), dict(names)) as made:
        yield made


async def run(internet: World, *argv: str) -> tuple[int, str, str]:
    """Run ``argv`` in the made-up internet; returns its exit code and what it printed."""
    internet.forget()
    process = await asyncio.create_subprocess_exec(*internet.enter(), *argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    async with asyncio.timeout(100):
        out, problems = await process.communicate()
    return process.returncode or 0, out.decode(), problems.decode()


async def browse(internet: World, policy: str, *steps: str) -> tuple[list[Any], list[dict[str, Any]]]:
    code, out, problems = await run(internet, sys.executable, egress_browser.__file__, policy, *steps)
    assert code == 0, problems
    told = json.loads(out)
    return told["results"], [
        entry for entry in told["entries"] if entry["kind"] in ("connection", "policy_changed", "user_allowed")
    ]


async def inside(internet: World, tmp_path: Path, policy: str, script: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Run a shell ``script`` in a sandbox; returns its exit code, its output and the audit."""
    policy_file, audit = tmp_path / "policy.yaml", tmp_path / "audit.jsonl"
    policy_file.write_text(policy)
    words = ("exec", "--policy", str(policy_file), "--audit", str(audit), "--", "/bin/sh", "-c", script)
    code, out, problems = await run(internet, sys.executable, "-m", "edgeagent_harness.outside", *words)
    return code, out + problems, [json.loads(line)["entry"] for line in audit.read_text().splitlines()]


@pytest.mark.browser
async def test_chromium_reaches_what_is_allowed_and_says_what_is_not(internet: World) -> None:
    steps = ["http://allowed.example/page", "http://evil.example/x", "https://allowed.example/", "https://evil.example/"]
    results, entries = await browse(internet, POLICY, *(word for url in steps for word in ("open", url)))
    allowed, denied, secure, denied_secure = results
    assert allowed == ["", "|you asked for GET /page HTTP/1.1"]
    assert "not among network.egress.endpoints" in denied[1]
    # The certificate is self-signed: that Chromium looked at it shows that the tunnel's handshake went through.
    assert secure[0] == "net::ERR_CERT_AUTHORITY_INVALID"
    assert denied_secure[0] == "net::ERR_TUNNEL_CONNECTION_FAILED"
    seen = {(entry["host"], entry["port"], entry["decision"]) for entry in entries}
    assert {("allowed.example", 80, "allowed"), ("allowed.example", 443, "allowed")} <= seen
    assert {("evil.example", 80, "denied"), ("evil.example", 443, "denied")} <= seen
    assert not internet.bytes_at(f"{OTHER_WEB}:80") + internet.bytes_at(f"{OTHER_WEB}:443")
    assert set(internet.asked) == {"allowed.example"}


@pytest.mark.browser
async def test_new_endpoints_hold_at_once_and_the_user_can_add_one(internet: World) -> None:
    page = ("open", "http://allowed.example/")
    results, entries = await browse(
        internet, POLICY, *page, "reload", "network: {egress: {mode: allowlist, endpoints: [}", *page, "reload", NOTHING,
        "open", "http://allowed.example/?again", "allow", "allowed.example", "open", "http://allowed.example/?third",
    )  # fmt: skip
    assert "you asked for" in results[0][1]
    assert "no valid YAML" in results[1]
    assert "you asked for" in results[2][1]
    assert results[3] == "done"
    assert "not among" in results[4][1]
    assert results[5] == "done"
    assert "you asked for" in results[6][1]
    changes = [entry for entry in entries if entry["kind"] != "connection"]
    assert [(change["kind"], change.get("accepted")) for change in changes] == [
        ("policy_changed", False),
        ("policy_changed", True),
        ("user_allowed", None),
    ]


async def test_programs_use_the_proxy_variables(internet: World, tmp_path: Path) -> None:
    script = """
        curl -sS -m 5 http://allowed.example/curl; echo
        curl -sSk -m 5 https://allowed.example/tls; echo
        curl -sS -m 5 --noproxy '' -x socks5h://127.0.0.1:3128 http://allowed.example/socks; echo
        curl -sS -m 5 -o /dev/null -w '%{http_code}\n' http://evil.example/
        curl -sS -m 5 https://evil.example/; echo "exit $?"
        curl -sS -m 5 --noproxy '*' http://allowed.example/; echo "exit $?"
        curl -sS -m 5 --noproxy '*' http://93.184.216.34/; echo "exit $?"
        curl -sS -m 5 --noproxy '*' --unix-socket /opt/edgeagent/egress.sock -o /dev/null -w '%{http_code}\n' http://evil.example/
    """
    code, out, entries = await inside(internet, tmp_path, POLICY, script)
    assert code == 0, out
    for answered in ("GET /curl", "GET /tls", "GET /socks"):
        assert f"you asked for {answered}" in out
    assert "403\n" in out, "by the proxy"
    assert "400\n" in out, "the socket takes no other requests than the bridge's"
    assert "exit 56" in out, "the tunnel was refused"
    assert "exit 6" in out, "no name resolves without the proxy"
    assert "exit 7" in out, "no address is reached without the proxy"
    listed = [(entry["protocol"], entry["decision"]) for entry in entries if entry["kind"] == "connection"]
    assert listed.count(("http", "allowed")) == 1
    assert listed.count(("connect", "allowed")) == 1
    assert listed.count(("socks5", "allowed")) == 1
    assert not internet.bytes_at(f"{OTHER_WEB}:80")
    assert set(internet.asked) == {"allowed.example"}


async def test_the_bridge_is_confined(internet: World, tmp_path: Path) -> None:
    script = """
        pid=$(pgrep -f 'inside[.]bridge 3')
        grep -E '^(NoNewPrivs|Seccomp):' /proc/$pid/status
        ls /proc/$pid/fd >/dev/null 2>&1 || echo "descriptors hidden"
        kill -9 $pid 2>/dev/null || echo "not to be killed"
        [ -r /proc/$pid/environ ] && head -c1 /proc/$pid/environ >/dev/null 2>&1 || echo "memory hidden"
    """
    code, out, _ = await inside(internet, tmp_path, POLICY, script)
    assert code == 0
    assert "NoNewPrivs:\t1" in out
    assert "Seccomp:\t2" in out
    assert "descriptors hidden" in out
    assert "memory hidden" in out
    assert "not to be killed" in out


async def test_a_violation_that_kills_ends_the_sandbox(internet: World, tmp_path: Path) -> None:
    policy = f"{POLICY}on_violation: {{egress: kill_sandbox}}\n"
    code, out, entries = await inside(internet, tmp_path, policy, "curl -sS -m 5 http://evil.example/; sleep 20; echo survived")
    assert code == 5, out
    assert "survived" not in out
    assert "evil.example port 80: not among" in out
    assert [entry["kind"] for entry in entries[-2:]] == ["connection", "sandbox_ended"]
    assert entries[-1]["violation"] is True
    allowed = await inside(internet, tmp_path, policy, "curl -sS -m 5 http://allowed.example/; echo survived")
    assert "survived" in allowed[1]


async def test_log_mode_lets_through_and_lists(internet: World, tmp_path: Path) -> None:
    policy = f"{POLICY}on_violation: {{egress: log}}\n"
    code, out, entries = await inside(internet, tmp_path, policy, "curl -sS -m 5 http://evil.example/x")
    assert code == 0
    assert out.startswith("you asked for GET /x HTTP/1.1")
    assert "this would have been denied: connection to evil.example:80" in out
    (entry,) = [entry for entry in entries if entry["kind"] == "connection"]
    assert (entry["decision"], entry["host"], entry["address"]) == ("would_deny", "evil.example", OTHER_WEB)


@pytest.mark.parametrize("mode", ["deny", "offline"])
async def test_without_an_allowlist_there_is_no_broker(internet: World, tmp_path: Path, mode: str) -> None:
    script = (
        "env | grep -ci proxy; ls /opt/edgeagent; curl -sS -m 5 -x http://127.0.0.1:3128 http://allowed.example/; echo exit $?"
    )
    _, out, entries = await inside(internet, tmp_path, f"version: 1\nnetwork: {{egress: {{mode: {mode}}}}}\n", script)
    assert out.startswith("0\nlib\n")
    assert "exit 7" in out
    assert [entry["kind"] for entry in entries] == ["sandbox_started", "sandbox_ended"]
    assert internet.arrived == []
