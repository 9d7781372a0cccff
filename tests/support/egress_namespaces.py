"""Two network namespaces joined by a cable: a near one for the broker and a far one that plays the internet. Run as a program.

``unshare -n -m python egress_namespaces.py SOCKET_FD DIRECTORY``: sends listening sockets, each with its name, over SOCKET_FD
and then holds the namespaces until that socket closes. Nothing here has a route to any real network: the far end answers for
every address itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

NEAR = "93.184.216.1"
FAR_PREFIX = "93.184.216.34/24"
ROUTED = ("10.9.9.9", "169.254.169.254", "100.64.9.9", "192.168.9.9", "224.9.9.9")
"""Not public, but there: what the broker lets through by mistake arrives and is seen."""
FAR = ("93.184.216.34", "93.184.216.35", "10.9.9.9", "169.254.169.254", "100.64.9.9", "192.168.9.9")
DNS = "93.184.216.53"
FAR_IPV6 = "2606:2800:220:1::34"
PORTS = (80, 443, 8080, 8443)

libc = ctypes.CDLL(None, use_errno=True)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def listen(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(64)
    return sock


def send(channel: socket.socket, sockets: dict[str, socket.socket]) -> None:
    for name, sock in sockets.items():
        socket.send_fds(channel, [json.dumps(name).encode() + b"\n"], [sock.fileno()])
        channel.recv(1)


def far_side(channel: socket.socket, go: int) -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    os.write(go, b"x")
    os.read(go, 1)
    ip("link", "set", "lo", "up")
    ip("link", "set", "far", "up")
    ip("addr", "add", FAR_PREFIX, "dev", "far")
    ip("addr", "add", f"{FAR_IPV6}/64", "dev", "far", "nodad")
    for address in (*FAR[1:], DNS):
        ip("addr", "add", f"{address}/32", "dev", "lo")
    sockets = {f"{address}:{port}": listen(address, port) for address in (*FAR, FAR_IPV6) for port in PORTS}
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind((DNS, 53))
    send(channel, sockets | {"dns": names})
    os.write(go, b"x")
    signal.pause()


def cover_resolver_files(directory: str) -> None:
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for name, content in (
        ("resolv.conf", f"nameserver {DNS}\noptions timeout:1 attempts:1\n"),
        ("nsswitch.conf", "hosts: files dns\n"),
    ):
        path = os.path.join(directory, name)
        with open(path, "w") as stream:
            stream.write(content)
        target = os.path.realpath(f"/etc/{name}")
        subprocess.run(["mount", "--bind", path, target], check=True)
    if os.path.isdir("/run/nscd"):
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run/nscd"], check=True)


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    near, far = socket.socketpair()
    child = os.fork()
    if child == 0:
        near.close()
        far_side(channel, far.fileno())
    far.close()
    near.recv(1)
    ip("link", "set", "lo", "up")
    ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(child))
    ip("link", "set", "near", "up")
    ip("addr", "add", f"{NEAR}/24", "dev", "near")
    ip("addr", "add", "2606:2800:220:1::1/64", "dev", "near", "nodad")
    for address in ROUTED:
        ip("route", "add", f"{address}/32", "via", FAR[0])
    near.send(b"x")
    cover_resolver_files(sys.argv[2])
    if not near.recv(1):
        sys.exit("the far side did not come up")
    send(channel, {f"{address}:{port}": listen(address, port) for address in ("127.0.0.1", "::1", NEAR) for port in PORTS})
    channel.send(b'"done"\n')
    channel.recv(1)


if __name__ == "__main__":
    main()
