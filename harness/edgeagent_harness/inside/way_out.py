"""Where the way out of the sandbox is, for those who start the bridge and those who use it."""

from __future__ import annotations

ADDRESS = ("127.0.0.1", 3128)
"""Where the bridge listens: HTTP (as a proxy) and SOCKS5."""
PROXY = "http://127.0.0.1:3128"
BROKER = "/opt/edgeagent/egress.sock"
"""Where the supervisor has bwrap mount the broker's socket."""
