"""Which resolved addresses are never dialled unless the policy names them: everything but the public internet.

From IANA's special-purpose address registries (RFC 6890 and its updates), written out, as Python's own tables differ between
its versions, plus what carries an IPv4 address within IPv6, and what clouds serve credentials from.
"""

from __future__ import annotations

import ipaddress

from edgeagent_harness.policy.names import Address

_KINDS: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier (CGNAT)"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "cloud metadata"),
    ("169.254.169.254/32", "cloud metadata"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4 within IPv6"),
    ("::/96", "IPv4 within IPv6"),
    ("64:ff9b::/96", "IPv4 within IPv6 (NAT64)"),
    ("64:ff9b:1::/48", "IPv4 within IPv6 (NAT64)"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "IPv4 within IPv6 (6to4)"),
    ("2620:4f:8000::/48", "reserved"),
    ("3fff::/20", "documentation"),
    ("fd00:ec2::254/128", "cloud metadata"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_NETWORKS = tuple((ipaddress.ip_network(network), kind) for network, kind in _KINDS)
_GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
_ISATAP = (0x00005EFE, 0x02005EFE)


def not_public(address: Address) -> str:
    """What kind of address ``address`` is, if it is not of the public internet; else empty."""
    for network, kind in _NETWORKS:
        if address.version == network.version and address in network:
            return kind
    if isinstance(address, ipaddress.IPv6Address):
        if address not in _GLOBAL_IPV6:
            return "reserved"
        if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
            return "IPv4 within IPv6 (ISATAP)"
    return ""
