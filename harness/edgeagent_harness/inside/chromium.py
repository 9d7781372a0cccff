"""How Chromium is started inside: under our own containment, without network features, with its profile in the home."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import socket
import string
from typing import Any
from urllib.parse import quote, urlsplit

CANDIDATES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PROFILE = ".config/edgeagent-chromium"
_OPEN_PAGES = "/tmp/edgeagent-chromium-sessions"
DEBUG_READ_FD = 3
"""Chromium reads debugging commands from this descriptor and writes replies to the next one."""

_FLAGS = (
    "--test-type",
    "--disable-gpu",
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--disable-infobars",
    "--disable-search-engine-choice-screen",
    "--disable-session-crashed-bubble",
    "--hide-crash-restore-bubble",
    "--disable-features=Translate,TranslateUI,MediaRouter,OptimizationHints,DialMediaRouteProvider,"
    "AutofillServerCommunication,NetworkTimeServiceQuerying,DnsOverHttpsUpgrade",
    "--password-store=basic",
    "--ozone-platform=x11",
    "--start-maximized",
)

_PREFERENCES: dict[str, Any] = {
    "credentials_enable_service": False,
    "profile": {"password_manager_enabled": False, "password_manager_leak_detection": False},
    "autofill": {"profile_enabled": False, "credit_card_enabled": False},
}


def argv(
    program: str, home: str, url: str, kiosk: bool, debug: bool, scale: float = 1.0, proxy: str = "", sandbox: bool = False
) -> tuple[str, ...]:  # fmt: skip
    """The command line that opens ``url``. ``proxy``: URL of the way out; ``sandbox``: with its own sandbox."""
    extra = [*(() if sandbox else ("--no-sandbox",)), f"--user-data-dir={os.path.join(home, PROFILE)}"]
    if proxy:
        # Loopback stays direct, as Chromium does by itself: the sandbox's own pages need no way out.
        extra += [f"--proxy-server={proxy}", "--dns-prefetch-disable"]
    if kiosk:
        extra.append("--kiosk")
    if scale != 1.0:
        extra.append(f"--force-device-scale-factor={scale:g}")
    if debug:
        extra.append("--remote-debugging-pipe")
    # An application window: the page without tab strip and address bar, which only distract who looks at pixels.
    page = in_ascii(url)
    return (program, *_FLAGS, *extra, page if kiosk else f"--app={page}")


def in_ascii(url: str) -> str:
    """``url`` with what is not ASCII escaped: in the sandbox's locale Chromium reads such arguments as no address at all."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    host = parts.netloc
    with contextlib.suppress(UnicodeError):
        host = host.encode("idna").decode() if "@" not in host else host
    return quote(parts._replace(netloc=host).geturl(), safe=string.punctuation + " ")


def prepare_profile(home: str) -> None:
    """Make the profile ready for the next start: no offers to save passwords, no lock of a sandbox that is gone."""
    directory = os.path.join(home, PROFILE)
    os.makedirs(os.path.join(directory, "Default"), exist_ok=True)
    preferences = os.path.join(directory, "Default", "Preferences")
    if not os.path.lexists(preferences):  # a profile that has its preferences keeps them
        _write(preferences, _PREFERENCES)
    _show_server_names(os.path.join(directory, "Local State"))
    _forget_open_pages(os.path.join(directory, "Default", "Sessions"))
    forget_other_instance(home)


def _forget_open_pages(directory: str) -> None:
    """Open pages, with what was typed into their forms, are kept only as long as the sandbox runs: passwords may be in them."""
    os.makedirs(_OPEN_PAGES, exist_ok=True)
    if os.path.islink(directory) or os.path.isfile(directory):
        os.unlink(directory)
    elif os.path.isdir(directory):
        shutil.rmtree(directory)
    os.symlink(_OPEN_PAGES, directory)


def _show_server_names(path: str) -> None:
    """No encrypted ClientHello: the egress broker refuses a TLS connection whose host it cannot read. There is no flag for it."""
    state: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
        loaded = json.load(file)
        state = loaded if isinstance(loaded, dict) else {}
    if not isinstance(state.setdefault("ssl", {}), dict):
        state["ssl"] = {}
    if state["ssl"].get("ech_enabled") is not False:
        state["ssl"]["ech_enabled"] = False
        _write(path, state)


def _write(path: str, settings: dict[str, Any]) -> None:
    """Replace ``path``; whatever lies there, a link too, is not written through."""
    scratch = f"{path}.edgeagent"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(scratch)
    with open(scratch, "x", encoding="utf-8") as file:
        json.dump(settings, file)
    os.replace(scratch, path)


def forget_other_instance(home: str) -> None:
    """Remove the profile's lock: it names a process of a sandbox that is gone, and would keep Chromium from starting."""
    for path in glob.glob(os.path.join(home, PROFILE, "Singleton*")):
        os.unlink(path)


def loopback_address(url: str) -> tuple[str, int] | None:
    """Where the server of ``url`` should listen, if that is in the sandbox; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return None
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    return (host, port) if host in ("127.0.0.1", "::1") and port else None


def answers(address: tuple[str, int]) -> bool:
    """Whether something accepts connections at ``address``."""
    try:
        socket.create_connection(address, timeout=0.2).close()
    except OSError:
        return False
    return True
