"""The decision on every request is that of a plain model of the policy, written down here a second time and independently."""

from __future__ import annotations

import ipaddress
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeagent_harness.policy.decide import BadTarget, Wanted, covers, decide, split_authority
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.names import BadHost, Host, canonical
from edgeagent_harness.policy.types import Egress, EgressMode, Endpoint

LABELS = ["a", "b", "allowed", "evil", "xn--bcher-kva", "a-b", "www", "example", "com"]
names = st.lists(st.sampled_from(LABELS), min_size=1, max_size=4).map(".".join)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str).filter(lambda text: "ffff:" not in text)
near = st.sampled_from(["93.184.216.34", "::1", "10.0.0.1", "2606:2800:220:1::34"])
hosts = st.one_of(names, names, near, addresses)
ports = st.sampled_from([22, 80, 443, 8080])
paths = st.lists(st.sampled_from(["api", "apix", "v1", "open", "x"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
methods = st.sampled_from(["GET", "POST", "PUT", "get"])
endpoints = st.builds(
    Endpoint,
    st.one_of(hosts, names.map(lambda name: f"*.{name}")),
    ports,
    st.lists(methods.filter(str.isupper), max_size=2, unique=True).map(tuple),
    st.lists(paths.filter(lambda path: path != "/"), max_size=2, unique=True).map(tuple),
)
egresses = st.builds(
    Egress,
    st.sampled_from(["allowlist", "allowlist", "allowlist", "deny", "offline"]),
    st.lists(endpoints, max_size=5).map(tuple),
)
plain = st.builds(lambda host, port, method, path: (host, port, method, path), hosts, ports, methods, paths)
tunnels = st.builds(lambda host, port: (host, port, "", ""), hosts, ports)


def model_permits(mode: EgressMode, allowed: tuple[Endpoint, ...], host: str, port: int, method: str, path: str) -> bool:
    """The policy in plain words: walk the labels from the right, then method, then path, segment by segment."""

    def host_fits(rule: str) -> bool:
        wild = rule[:2] == "*."
        wanted, given_ = (rule[2:] if wild else rule).split("."), host.split(".")
        if ":" in host or host.replace(".", "").isdigit():
            return rule == host
        tail = given_[len(given_) - len(wanted) :]
        return tail == wanted and ((len(given_) > len(wanted)) if wild else (len(given_) == len(wanted)))

    def path_fits(rule: str) -> bool:
        return all(a == b for a, b in itertools.zip_longest(rule.split("/"), path.split("/")[: len(rule.split("/"))]))

    if mode in ("deny", "offline") or (method and port == 443):
        return False
    for rule in allowed:
        if rule.port == port and host_fits(rule.host):
            if not method and not rule.methods and not rule.paths:
                return True
            if (
                method
                and (rule.methods == () or method in rule.methods)
                and (rule.paths == () or any(map(path_fits, rule.paths)))
            ):
                return True
    return False


@settings(max_examples=600, deadline=None)
@given(egresses, st.one_of(plain, tunnels))
def test_decision_is_the_models(egress: Egress, asked: tuple[str, int, str, str]) -> None:
    host, port, method, path = asked
    ruling = decide(egress, Wanted(canonical(host), port, method, path))
    assert ruling.permitted == model_permits(egress.mode, egress.endpoints, host, port, method, path)
    assert ruling.reason


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_decision_is_the_models_where_an_endpoint_is_near(data: st.DataObject) -> None:
    """Requests made from the endpoints themselves, with one thing changed: otherwise most are denied for a boring reason."""
    rules = data.draw(st.lists(endpoints, min_size=1, max_size=4).map(tuple))
    rule = data.draw(st.sampled_from(rules))
    base = rule.host.removeprefix("*.")
    host = data.draw(
        st.sampled_from([base, f"www.{base}", f"a.www.{base}", f"x{base}", f"{base}.evil"]) if ":" not in base else st.just(base)
    )
    if host[-1].isdigit() and host != base:
        host = base
    port = data.draw(st.sampled_from([rule.port, rule.port, 80]))
    method = data.draw(st.sampled_from([*rule.methods, "GET", ""]))
    path = data.draw(
        st.sampled_from(["/", *rule.paths, *(f"{path}/y" for path in rule.paths), *(f"{path}y" for path in rule.paths)])
    )
    ruling = decide(Egress("allowlist", rules), Wanted(canonical(host), port, method, path if method else ""))
    assert ruling.permitted == model_permits("allowlist", rules, host, port, method, path)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=40), st.text(alphabet="axn-.0127[]:%@*éß。１\u200b\u0301", max_size=30)))
def test_spelling_is_stable_and_harmless(text: str) -> None:
    try:
        host = canonical(text)
    except BadHost:
        return
    assert host.name.isascii()
    assert not set(host.name) & set(" \t\r\n\0/\\@%?#[]*")
    assert canonical(host.name) == host
    assert canonical(host.name.upper()) == host
    if host.address is None:
        last = host.name.rsplit(".", 1)[-1]
        assert not last.isdigit()
    else:
        assert ipaddress.ip_address(host.name) == host.address


@settings(max_examples=400, deadline=None)
@given(st.one_of(names, near, addresses, st.text(alphabet="aB.-é_*1:", max_size=20), names.map(lambda name: f"*.{name}")))
def test_what_a_policy_may_name_is_spelt_as_requests_are(text: str) -> None:
    try:
        spelt = canonical_endpoint_host(text)
    except ValueError:
        return
    assert canonical(spelt.removeprefix("*.")).name == spelt.removeprefix("*.")
    if not spelt.startswith("*."):
        assert covers(Endpoint(spelt, 80), canonical(text), 80)


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet="a1.:[]@ \0%8", max_size=25))
def test_an_authority_is_read_as_it_is_written(text: str) -> None:
    try:
        host, port = split_authority(text)
    except BadTarget:
        return
    assert split_authority(f"{host}:{port}") == (host, port)
    assert text.lower().replace(".:", ":") == f"{host}:{port}" or host.address is not None
    assert isinstance(host, Host)
