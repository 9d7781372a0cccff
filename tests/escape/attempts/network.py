"""Ways to the network. An address elsewhere is tried only where nothing but loopback is there, on which the stage has put it."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from escape.attempts.core import Given, Refused, attempt, number

_TIMEOUT_S = 2.0
_NET = "network namespace"
_INET, _INET6 = socket.AF_INET, socket.AF_INET6
_STREAM, _DATAGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
TEST_ADDRESS, TEST_ADDRESS_V6, METADATA = "192.0.2.1", "2001:db8::1", "169.254.169.254"
TEST_NAME = "canary.test"


def _only_loopback() -> None:
    """No packet may leave the machine, not even where a layer is missing: the stage, and the sandbox, have no other interface."""
    names = [name for _, name in socket.if_nameindex()]
    assert names == ["lo"], f"not tried: there is a way out over {names}"


def _connect(family: int, kind: int, address: object) -> None:
    with socket.socket(family, kind) as sock:
        sock.settimeout(_TIMEOUT_S)
        sock.connect(address)  # type: ignore[arg-type]
        sock.send(b"x")


def _connect_out(family: int, kind: int, host: str, port: int) -> None:
    _only_loopback()
    _connect(family, kind, (host, port))


def _open(family: int, kind: int, protocol: int = 0) -> None:
    socket.socket(family, kind, protocol).close()


@attempt("services of the host are used", layer=_NET, blocked="ECONNREFUSED", executor="EAFNOSUPPORT")
def host_loopback(given: Given) -> object:
    """Connect to a port that is open on the host's 127.0.0.1."""
    return _connect(_INET, _STREAM, ("127.0.0.1", number(given, "tcp_port")))


@attempt("services of the host are used", layer=_NET, blocked="ECONNREFUSED", executor="EAFNOSUPPORT")
def host_loopback_v6(given: Given) -> object:
    """Connect to a port that is open on the host's ::1."""
    return _connect(_INET6, _STREAM, ("::1", number(given, "tcp_port")))


@attempt("services of the host are used", layer=_NET, blocked="ECONNREFUSED", executor="EAFNOSUPPORT")
def host_loopback_mapped(given: Given) -> object:
    """The same, by the IPv4 address written as an IPv6 one."""
    return _connect(_INET6, _STREAM, ("::ffff:127.0.0.1", number(given, "tcp_port")))


@attempt("services of the host are used", layer=_NET, blocked="ECONNREFUSED", executor="EAFNOSUPPORT")
def host_loopback_by_zero(given: Given) -> object:
    """The same, by 0.0.0.0."""
    return _connect(_INET, _STREAM, ("0.0.0.0", number(given, "tcp_port")))


@attempt("services of the host are used", layer=_NET, blocked="ECONNREFUSED", executor="EAFNOSUPPORT")
def host_loopback_udp(given: Given) -> object:
    """Send a datagram to a port of the host's loopback, and wait for the answer."""
    with socket.socket(_INET, _DATAGRAM) as sock:
        sock.settimeout(_TIMEOUT_S)
        sock.connect(("127.0.0.1", number(given, "udp_port")))
        sock.send(b"x")
        return sock.recv(8)


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def tcp_out(_given: Given) -> object:
    """Connect to a server elsewhere."""
    return _connect_out(_INET, _STREAM, TEST_ADDRESS, 80)


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def tcp_out_v6(_given: Given) -> object:
    """Connect to a server elsewhere by IPv6."""
    return _connect_out(_INET6, _STREAM, TEST_ADDRESS_V6, 80)


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def udp_out(_given: Given) -> object:
    """Send a datagram to a name server elsewhere."""
    return _connect_out(_INET, _DATAGRAM, TEST_ADDRESS, 53)


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def quic_out(_given: Given) -> object:
    """Send a datagram to port 443, as QUIC does."""
    return _connect_out(_INET, _DATAGRAM, TEST_ADDRESS, 443)


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def stun_out(_given: Given) -> object:
    """Send a datagram to port 3478, as WebRTC does."""
    return _connect_out(_INET, _DATAGRAM, TEST_ADDRESS, 3478)


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def udp_lite_out(_given: Given) -> object:
    """Send a datagram with UDP-Lite, which rules for UDP do not name."""
    _only_loopback()
    with socket.socket(_INET, _DATAGRAM, 136) as sock:
        sock.sendto(b"x", (TEST_ADDRESS, 53))


@attempt("data leaves the machine", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def tcp_fast_open_out(_given: Given) -> object:
    """Send data with the first packet, without connect."""
    _only_loopback()
    with socket.socket(_INET, _STREAM) as sock:
        sock.sendto(b"x", 0x20000000, (TEST_ADDRESS, 80))


@attempt("the cloud's keys are fetched", layer=_NET, blocked="ENETUNREACH", executor="EAFNOSUPPORT", control="root")
def metadata_service(_given: Given) -> object:
    """Connect to the metadata service of a cloud."""
    return _connect_out(_INET, _STREAM, METADATA, 80)


@attempt(
    "data leaves in the names that are looked up",
    layer=_NET,
    blocked="EAI_AGAIN|EAI_NONAME",
    executor="EAFNOSUPPORT",
    control="root",
)
def resolve_name(_given: Given) -> object:
    """Look up a name."""
    _only_loopback()
    try:
        return socket.getaddrinfo(TEST_NAME, 80)
    except socket.gaierror as error:
        raise Refused({socket.EAI_AGAIN: "EAI_AGAIN", socket.EAI_NONAME: "EAI_NONAME"}[error.errno or 0]) from error


@attempt("rules for TCP are passed", layer="seccomp", blocked="EPROTONOSUPPORT", executor="EAFNOSUPPORT")
def multipath_tcp(_given: Given) -> object:
    """Open a multipath TCP socket."""
    return _open(_INET, _STREAM, 262)


@attempt("rules for TCP are passed", layer="seccomp", blocked="EPROTONOSUPPORT", executor="EAFNOSUPPORT")
def multipath_tcp_v6(_given: Given) -> object:
    """Open a multipath TCP socket for IPv6."""
    return _open(_INET6, _STREAM, 262)


@attempt("packets are forged", layer="seccomp", blocked="EPERM", executor="EAFNOSUPPORT", control="root")
def raw_socket(_given: Given) -> object:
    """Open a raw IPv4 socket."""
    return _open(_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@attempt("packets are forged", layer="seccomp", blocked="EPERM", executor="EAFNOSUPPORT", control="root")
def raw_socket_v6(_given: Given) -> object:
    """Open a raw IPv6 socket, without waiting (the kind has flags)."""
    return _open(_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMPV6)


@attempt("the traffic of the machine is read", layer="seccomp", blocked="EAFNOSUPPORT", control="root")
def packet_socket(_given: Given) -> object:
    """Open a packet socket."""
    return _open(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)


@attempt("the machine's host is reached", layer="seccomp", blocked="EAFNOSUPPORT")
def vsock(_given: Given) -> object:
    """Open a socket to the hypervisor."""
    return _open(socket.AF_VSOCK, _STREAM)


@attempt("network drivers are reached", layer="seccomp", blocked="EAFNOSUPPORT", control="root")
def xdp_socket(_given: Given) -> object:
    """Open a socket of express data paths."""
    return _open(44, socket.SOCK_RAW)


@attempt("the machine's connections are listed", layer="seccomp", blocked="EAFNOSUPPORT")
def netlink_diagnosis(_given: Given) -> object:
    """Open a netlink socket for diagnosis of sockets."""
    return _open(socket.AF_NETLINK, socket.SOCK_RAW, 4)


@attempt("the machine's devices are watched", layer="seccomp", blocked="EAFNOSUPPORT")
def netlink_devices(_given: Given) -> object:
    """Open a netlink socket for events of devices."""
    return _open(socket.AF_NETLINK, socket.SOCK_RAW, 15)


@attempt("kernel parts behind generic netlink are attacked", layer="seccomp", blocked="EAFNOSUPPORT")
def netlink_generic(_given: Given) -> object:
    """Open a generic netlink socket."""
    return _open(socket.AF_NETLINK, socket.SOCK_RAW, 16)


@attempt("a firewall is changed", layer="seccomp", blocked="EAFNOSUPPORT")
def netlink_netfilter(_given: Given) -> object:
    """Open a netlink socket for netfilter, which has had many holes."""
    return _open(socket.AF_NETLINK, socket.SOCK_RAW, 12)


@attempt("a way out is set up", layer="no capabilities", blocked="EPERM", executor="EAFNOSUPPORT", control="root")
def add_address(_given: Given) -> object:
    """Give loopback another address by netlink."""
    _only_loopback()
    attributes = struct.pack("HH4s", 8, 2, socket.inet_aton("192.0.2.77"))
    body = struct.pack("BBBBI", socket.AF_INET, 32, 0, 0, 1) + attributes
    header = struct.pack("IHHII", 16 + len(body), 20, 0x401 | 4, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.settimeout(_TIMEOUT_S)
        sock.send(header + body)
        (code,) = struct.unpack_from("i", sock.recv(1024), 16)
    if code:
        raise OSError(-code, os.strerror(-code))


@attempt("a way out is set up", layer="no capabilities", blocked="EPERM", executor="EAFNOSUPPORT", control="root")
def change_interface(_given: Given) -> object:
    """Set the flags of loopback (to those that it has)."""
    _only_loopback()
    with socket.socket(_INET, _DATAGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", 0x49))  # SIOCSIFFLAGS: up, loopback, running
    return None


@attempt("a tunnel is set up", layer="mounts", blocked="ENOENT", executor="EPERM", control="root", instead=(
    "ok|ENOENT|ENODEV", "a machine without the tun driver has no such device for root either"
))  # fmt: skip
def open_tun(_given: Given) -> object:
    """Open the device that makes tunnels."""
    return os.open("/dev/net/tun", os.O_RDWR)


@attempt(
    "an abstract socket of the host is used", layer="network namespace", blocked="ECONNREFUSED|EPERM", executor="EAFNOSUPPORT"
)
def host_abstract_socket(given: Given) -> object:
    """Connect to an abstract unix socket of the host."""
    return _connect(socket.AF_UNIX, _STREAM, "\0" + str(given["abstract"]))
