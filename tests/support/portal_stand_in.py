"""A portal of our own on a bus of its own, for where there is no Wayland desktop: all that ScreenCast and RemoteDesktop say.

Pictures come from a program in GStreamer's place, as there is no compositor that could paint. What a real desktop makes of it is
shown by ``test_wayland_portals.py``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jeepney import DBusAddress, HeaderFields, Message, MessageType, message_bus, new_error, new_method_return, new_signal
from jeepney.io.blocking import DBusConnection, open_dbus_connection

_NAME, _OBJECT = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
_BUS = """<busconfig><type>session</type><listen>unix:path={path}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
SIZE_PX, LOGICAL = (320, 200), (160, 100)
COLOUR = (0x33, 0x66, 0x99)
_GSTREAMER = """#!/usr/bin/env python3
import re, sys, time
fd = int(re.search(r"fdsink name=out fd=([0-9]+)", " ".join(sys.argv))[1])
caps = "video/x-raw, format=(string)BGRx, width=(int)320, height=(int)200"
print("/GstPipeline:pipeline0/GstFdSink:out.GstPad:sink: caps =", caps, flush=True)
with open(fd, "wb", buffering=0) as file:
    file.write(bytes((0x99, 0x66, 0x33, 0)) * 320 * 200)
    time.sleep(60)
"""


@dataclass
class StandIn:
    """What it offers and answers, and what it was asked."""

    remote_desktop: int = 1
    """Version; 0: there is none."""
    devices: int = 3
    says: int = 0
    """What the user's answer is: 0 yes, 1 no; below 0: none."""
    grants: int = 3
    forges: bool = False
    """Whether somebody else on the bus says yes in the user's place."""
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list[tuple[str, tuple[Any, ...]]])
    clients: list[str] = field(default_factory=list[str])
    _connection: DBusConnection | None = None
    _session: str = ""

    def told(self, method: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of ``method``."""
        return [body for name, body in list(self.calls) if name == method]

    def end_session(self) -> None:
        """As the desktop's indicator does."""
        self._signal(self._session, "org.freedesktop.portal.Session", "Closed", "a{sv}", ({},))

    def serve(self, connection: DBusConnection) -> None:
        """Until the connection ends."""
        self._connection = connection
        with contextlib.suppress(OSError, ValueError):
            while True:
                message = connection.receive()
                if message.header.message_type is MessageType.method_call:
                    self._answer(connection, message)

    def _answer(self, connection: DBusConnection, call: Message) -> None:
        fields = call.header.fields
        method, interface = fields[HeaderFields.member], fields[HeaderFields.interface]
        self.calls.append((method, call.body))
        self.clients.append(fields[HeaderFields.sender])
        if method == "Get":
            value = self._property(*call.body)
            reply = new_error(call, "org.freedesktop.DBus.Error.InvalidArgs") if value is None else None
            connection.send(reply or new_method_return(call, "v", (("u", value),)))
        elif method == "OpenPipeWireRemote":
            reads, writes = os.pipe()
            connection.send(new_method_return(call, "h", (reads,)))
            os.close(reads)
            os.close(writes)
        elif method.startswith("Notify") or interface.endswith(".Session"):
            connection.send(new_method_return(call))
        else:
            self._ask(connection, call, method)

    def _property(self, interface: str, name: str) -> int | None:
        if interface.endswith("ScreenCast"):
            return {"version": 4, "AvailableSourceTypes": 3, "AvailableCursorModes": 1}.get(name)
        if not self.remote_desktop:
            return None
        return {"version": self.remote_desktop, "AvailableDeviceTypes": self.devices}.get(name)

    def _ask(self, connection: DBusConnection, call: Message, method: str) -> None:
        options = call.body[-1]
        sender = call.header.fields[HeaderFields.sender]
        client = sender.removeprefix(":").replace(".", "_")
        request = f"{_OBJECT}/request/{client}/{options['handle_token'][1]}"
        connection.send(new_method_return(call, "o", (request,)))
        results: dict[str, tuple[str, Any]] = {}
        if method == "CreateSession":
            self._session = f"{_OBJECT}/session/{client}/{options['session_handle_token'][1]}"
            results["session_handle"] = ("s", self._session)
        if method == "Start":
            facts = {"size": ("(ii)", LOGICAL), "source_type": ("u", 1)}
            results = {"devices": ("u", self.grants), "streams": ("a(ua{sv})", [(42, facts)])}
            if self.remote_desktop >= 2:
                results["restore_token"] = ("s", f"token {len(self.told('Start'))}")
            if self.forges:
                with open_dbus_connection(enable_fds=True) as stranger:
                    self._signal(request, "org.freedesktop.portal.Request", "Response", "ua{sv}", (0, results), stranger)
                time.sleep(0.2)
        code = self.says if method == "Start" else 0
        if code < 0:
            return
        self._signal(request, "org.freedesktop.portal.Request", "Response", "ua{sv}", (code, {} if code else results))

    def _signal(
        self, path: str, interface: str, name: str, signature: str, body: tuple[Any, ...], by: DBusConnection | None = None
    ) -> None:  # fmt: skip
        connection = by or self._connection
        assert connection is not None
        message = new_signal(DBusAddress(path, interface=interface), name, signature, body)
        message.header.fields[HeaderFields.destination] = self.clients[-1]
        connection.send(message)


@contextlib.contextmanager
def private_bus(root: Path) -> Iterator[dict[str, str]]:
    """A bus without services, and the environment of a Wayland session on it. ``root`` is a short directory."""
    (root / "bus.conf").write_text(_BUS.format(path=root / "bus"))
    with subprocess.Popen(["dbus-daemon", f"--config-file={root / 'bus.conf'}", "--nofork"], stderr=subprocess.DEVNULL) as daemon:
        end = time.monotonic() + 10
        while not (root / "bus").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        yield {
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={root / 'bus'}", "XDG_SESSION_TYPE": "wayland",
            "WAYLAND_DISPLAY": "wayland-test", "XDG_RUNTIME_DIR": str(root), "XDG_CONFIG_HOME": str(root / "config"),
        }  # fmt: skip
        daemon.terminate()


@contextlib.contextmanager
def serving(stand_in: StandIn) -> Iterator[None]:
    """``stand_in`` as the portal of ``$DBUS_SESSION_BUS_ADDRESS``."""
    connection = open_dbus_connection(enable_fds=True)
    connection.send_and_get_reply(message_bus.RequestName(_NAME), timeout=5)
    thread = threading.Thread(target=stand_in.serve, args=(connection,))
    thread.start()
    try:
        yield
    finally:
        connection.sock.shutdown(2)
        thread.join(5)
        connection.close()


def put_gstreamer(directory: Path) -> None:
    """A program in GStreamer's place that gives one picture, all `COLOUR`, of `SIZE_PX`."""
    for name, text in (("gst-launch-1.0", _GSTREAMER), ("gst-inspect-1.0", "#!/bin/sh\n")):
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
