"""What the evidence comes to: each check in words, and whether it was passed. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from edgeagent.prove import control, rules
from edgeagent.prove.looking import Kind
from edgeagent.prove.probing import Evidence
from edgeagent.prove.rules import Rule
from edgeagent.prove.statement import Check, Result, Verdict
from edgeagent_harness.isolation.canary import FAMILIES, INTERNET, Canary

MOMENTS = ("before", "after")
EXPECTED: tuple[Kind, ...] = ("app", "engine", "supervisor", "bwrap", "process 1", "executor", "application")
"""Kinds of processes that every session has."""
CLASSES = ("app", "engine", "supervisor", "executor", "application")
"""They make the attempts."""
WITHOUT_SOCKETS = ("app", "engine", "executor")
"""Of them, those that may not even make a network socket."""
MAY_BE_UNAVAILABLE = ("control.empty_network", "control.devices", "session.counters")
MAX_DETAILS = 5


def check(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which they are told."""
    return [
        *_controls(evidence),
        *_moments(evidence),
        *_processes(evidence),
        *(found for name in CLASSES for found in _canary(evidence, name)),
        _listeners(evidence),
        _counters(evidence),
        _passed("session.ended", "no process of the session outlived it", ", ".join(evidence.left)),
    ]


def verdict(checks: list[Check]) -> Verdict:
    """PROVEN if nothing failed, and nothing was left out but what may be."""
    good = all(
        found.result == "passed" or (found.result == "not_available" and found.name in MAY_BE_UNAVAILABLE) for found in checks
    )  # fmt: skip
    return "PROVEN" if good and checks else "NOT PROVEN"


def _passed(name: str, words: str, wrong: str, detail: str = "") -> Check:
    return Check(name, words, "failed" if wrong else "passed", wrong or detail)


def _reached(evidence: Evidence, who: str) -> set[str]:
    return {attempt for attempt, name in evidence.reached if name == who}


def _controls(evidence: Evidence) -> Iterator[Check]:
    expected = {"tcp4", "udp4", "abstract", *(("tcp6",) if evidence.targets_ipv6 else ())}
    missing = expected - _reached(evidence, control.OPEN)
    wrong = f"{', '.join(sorted(missing))} did not arrive" if missing else ""
    yield _passed(
        "control.reachable", "positive control: the same attempts from outside the session do reach the prober", wrong,
        ", ".join(sorted(expected)),
    )  # fmt: skip
    yield _empty_network(evidence)
    caught = {problem.rule for problem in rules.judge(evidence.itself, evidence.watch.outside, (), ())}
    missed = {"own_network", "no_foreign_sockets", "filtered"} - caught
    yield _passed(
        "control.rules", "positive control: the prober itself, judged by the same rules, does not pass",
        f"not found: {', '.join(sorted(missed))}" if missed else "",
    )  # fmt: skip
    network = evidence.itself.network
    devices = [name for name in network.devices if name != "lo"]
    detail = f"devices {', '.join(devices) or 'none'}; {len(network.routes)} routes"
    result: Result = "passed" if devices or network.routes else "not_available"
    yield Check("control.devices", "positive control: outside the session, the prober does see devices or routes", result, detail)


def _empty_network(evidence: Evidence) -> Check:
    name, words = "control.empty_network", "positive control: from an empty network of the prober's own the same attempts fail"
    tried = {attempt.name: attempt for attempt in evidence.controls[1].attempts}
    inside = tried.get(f"{control.REACHED}tcp4")
    if inside is None:
        reason = tried["empty network"].outcome if "empty network" in tried else "it could not be made"
        return Check(name, words, "not_available", reason)
    arrived = sorted(_reached(evidence, control.EMPTY) & {*INTERNET, "abstract"})
    wrong = f"{', '.join(arrived)} arrived" if arrived else ""
    if not wrong and inside.outcome != "sent":
        wrong = f"a listener within it was not reached either: {inside.outcome}"
    return _passed(name, words, wrong, "a listener within it was reached")


def _moments(evidence: Evidence) -> Iterator[Check]:
    words = "the run was offline, and told the prober so before it first looked at a screen and after its last step"
    told = {moment.when for moment in evidence.moments}
    missing = [when for when in MOMENTS if when not in told]
    wrong = f"nothing was told {' and '.join(missing)} (the run ended with exit code {evidence.exit_code})" if missing else ""
    yield _passed("session.moments", words, wrong, f"exit code {evidence.exit_code}")
    absent = [f"{kind} {when}" for when in MOMENTS for kind in EXPECTED if kind not in evidence.kinds.get(when, set[Kind]())]
    words = "every kind of process was there to be looked at, before and after"
    yield _passed("session.processes", words, f"not seen: {', '.join(absent)}" if absent else "", ", ".join(EXPECTED))
    yield _passed("session.told", "the processes that the run names are those that were seen", "; ".join(_misnamed(evidence)))


def _misnamed(evidence: Evidence) -> Iterator[str]:
    for moment in evidence.moments:
        named: tuple[tuple[Kind, int], ...] = (
            ("app", moment.app_pid), ("engine", moment.engine_pid), ("supervisor", moment.supervisor_pid),
        )  # fmt: skip
        for kind, pid in named:
            seen = evidence.watch.seen.get(pid)
            if seen is None or seen.kind != kind:
                yield f"{kind} {pid} ({moment.when})"
    if len({moment.session for moment in evidence.moments}) > 1:
        yield "more than one session"


def _processes(evidence: Evidence) -> Iterator[Check]:
    watch = evidence.watch
    for rule in get_args(Rule):
        details = watch.problems.get(rule, [])
        more = f" and {len(details) - MAX_DETAILS} more" if len(details) > MAX_DETAILS else ""
        by_filter = ", ".join(watch.by_filter_alone.values()) if rule == "own_network" else ""
        yield _passed(
            f"processes.{rule}", rules.WORDS[rule], "; ".join(details[:MAX_DETAILS]) + more,
            f"held by the filter alone: {by_filter}" if by_filter else f"{len(watch.seen)} processes, {watch.looks} looks",
        )  # fmt: skip


def _canary(evidence: Evidence, name: str) -> Iterator[Check]:
    told = [canary for moment in evidence.moments for canary in moment.canaries if canary.process == name]
    alone = any(who.startswith(f"{name} ") for who in evidence.watch.by_filter_alone.values())
    strict = name in WITHOUT_SOCKETS or alone
    wrong: list[str] = []
    if len(told) < len(MOMENTS):
        wrong.append(f"it made its attempts {len(told)} of {len(MOMENTS)} times")
    for canary in told:
        wrong += _wrong_in(canary, evidence.targets_ipv6, strict)
    # An abstract unix socket does not lead off the machine; it is within reach where no namespace is.
    wrong += [f"{attempt} arrived" for attempt in sorted(_reached(evidence, name)) if not (alone and attempt == "abstract")]
    words = "could make no network socket" if strict else "could not reach the prober"
    first = ", ".join(f"{attempt.name} {attempt.outcome}" for attempt in told[0].attempts) if told else ""
    yield _passed(f"canary.{name}", f"from within, the {name} {words}", "; ".join(dict.fromkeys(wrong)), first)


def _wrong_in(canary: Canary, ipv6: bool, strict: bool) -> Iterator[str]:
    made = {attempt.name: attempt.made for attempt in canary.attempts}
    expected = {"tcp4", "udp4", "abstract", "io_uring", *FAMILIES, *(("tcp6",) if ipv6 else ())}
    if untried := expected - made.keys():
        yield f"it did not try {', '.join(sorted(untried))}"
    # What no network namespace holds, or needs to: vsock leads to the machine that this one runs on.
    never = {"io_uring", "raw", "packet", "vsock", "bluetooth"} | (set(INTERNET) if strict else set[str]())
    if canary.process in WITHOUT_SOCKETS:
        never.add("netlink")
    if could := sorted(name for name in never if made.get(name)):
        yield f"it could make {', '.join(could)}"


def _listeners(evidence: Evidence) -> Check:
    allowed = {control.OPEN}
    alone = bool(evidence.watch.by_filter_alone)
    wrong = [
        f"{attempt} from {who or 'someone who did not say'}"
        for attempt, who in evidence.reached
        if who not in allowed and not (alone and attempt == "abstract")
    ]
    return _passed("prober.listeners", "nothing of the session reached the prober's listeners", ", ".join(wrong))


def _counters(evidence: Evidence) -> Check:
    name, words = "session.counters", "packet counters in the session's namespaces: none left by a device other than loopback"
    counted = evidence.counters
    if counted.unavailable:
        return Check(name, words, "not_available", counted.unavailable)
    wrong = [
        f"namespace {network}: {f'{packets} packets' if packets > 0 else 'the counter cannot be read'}"
        for network, packets in counted.packets.items()
        if packets
    ]
    if not counted.packets:
        wrong = ["they were never read"]
    return _passed(name, words, "; ".join(wrong), f"{len(counted.packets)} namespaces")
