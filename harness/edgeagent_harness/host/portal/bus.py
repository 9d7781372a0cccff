"""A connection to the session bus that one process can open and another go on with. D-Bus itself is jeepney's."""

from __future__ import annotations

import array
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jeepney import DBusAddress, HeaderFields, MatchRule, Message, MessageFlag, MessageType, Parser, message_bus, new_method_call
from jeepney.auth import AuthenticationError, FDNegotiationError
from jeepney.bus import get_connectable_addresses
from jeepney.fds import FileDescriptor, fds_buf_size
from jeepney.io.blocking import prep_socket

_CALL_TIMEOUT_S = 10.0


class BusError(Exception):
    """The bus cannot be reached, has ended, or answered with an error; ``name`` is that error's, if it has one."""

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text)
        self.name = name


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal that came, from the unique name ``sender``."""

    sender: str
    path: str
    member: str
    body: tuple[Any, ...]


class Bus:
    """Calls and signals. Whoever calls reads as well, until `read_on` has a thread do so."""

    def __init__(self, sock: socket.socket, name: str, serial: int) -> None:
        """Go on with ``sock``, which is known to the bus as ``name``, with ``serial`` as the next message's."""
        self._socket = sock
        self.name = name
        self._serial = serial
        self._parser = Parser()
        self._replies: dict[int, Message | None] = {}
        self._news = threading.Condition()
        self._reader: threading.Thread | None = None
        self._lost: BusError | None = None
        self.on_signal: Callable[[Signal], None] = lambda _: None
        self.on_lost: Callable[[], None] = lambda: None

    @classmethod
    def connect(cls, address: str) -> Bus:
        """Log in at ``address``, as ``$DBUS_SESSION_BUS_ADDRESS`` has it. Raises `BusError`."""
        try:
            bus = cls(prep_socket(next(get_connectable_addresses(address)), enable_fds=True), "", 1)
        except (OSError, RuntimeError, ValueError, StopIteration, TimeoutError, AuthenticationError, FDNegotiationError) as error:
            raise BusError(f"the session bus at {address} cannot be reached: {error}") from error
        bus.name = str(bus.call(message_bus, "Hello")[0])
        return bus

    def hand_over(self) -> tuple[int, int]:
        """Let go of the socket: its file descriptor and the next serial, for `__init__` in another process."""
        return self._socket.detach(), self._serial

    def close(self) -> None:
        """Hang up: what the bus keeps for this connection ends."""
        with_reader = self._reader
        self._lost = self._lost or BusError("closed")
        if with_reader is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            with_reader.join(_CALL_TIMEOUT_S)
        self._socket.close()

    def listen(self, sender: str, path: str, interface: str) -> None:
        """Have the bus pass on what the owner of ``sender`` signals there. Raises `BusError`."""
        rule = MatchRule(type="signal", sender=sender, path_namespace=path, interface=interface)
        self.call(message_bus, "AddMatch", "s", (rule.serialise(),))

    def call(
        self,
        where: Any,
        method: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
        timeout_s: float = _CALL_TIMEOUT_S,
    ) -> tuple[Any, ...]:
        """Call ``method`` and return what it answers. Raises `BusError`."""
        message = new_method_call(where, method, signature, body)
        with self._news:
            if self._lost:
                raise self._lost
            serial = self._serial
            self._serial += 1
            self._replies[serial] = None
            try:
                self._socket.sendall(message.serialise(serial=serial, fds=array.array("i")))
            except OSError as error:
                raise BusError(f"the session bus has ended: {error}") from error
        try:
            reply = self._await(serial, method, time.monotonic() + timeout_s)
        finally:
            self._replies.pop(serial, None)
        if reply.header.message_type is MessageType.error:
            name = str(reply.header.fields.get(HeaderFields.error_name, ""))
            raise BusError(f"{method}: {' '.join(map(str, reply.body)) or name}", name)
        return reply.body

    def post(self, where: DBusAddress, method: str) -> None:
        """Call ``method`` and wait for nothing. Raises `BusError`."""
        message = new_method_call(where, method)
        message.header.flags = MessageFlag.no_reply_expected
        try:
            self._socket.sendall(message.serialise(serial=self._serial))
        except OSError as error:
            raise BusError(f"the session bus has ended: {error}") from error

    def wait_for(self, there: Callable[[], bool], timeout_s: float) -> None:
        """Read until ``there()`` says so. Raises `BusError`, `TimeoutError`. Not while another thread reads."""
        end = time.monotonic() + timeout_s
        while not there():
            self._read_one(end)

    def read_on(self) -> None:
        """From here on a thread reads, so that signals are heard at once."""
        self._reader = threading.Thread(target=self._read_all, name="session bus", daemon=True)
        self._reader.start()

    def _await(self, serial: int, method: str, end: float) -> Message:
        try:
            while (reply := self._replies[serial]) is None:
                if self._reader is None:
                    self._read_one(end)
                    continue
                with self._news:
                    if self._lost:
                        raise self._lost
                    if self._replies[serial] is None and not self._news.wait(end - time.monotonic()):
                        raise TimeoutError
        except TimeoutError as error:
            raise BusError(f"{method}: the desktop did not answer") from error
        return reply

    def _read_all(self) -> None:
        try:
            while True:
                self._read_one(None)
        except BusError as error:
            with self._news:
                closed, self._lost = self._lost, self._lost or error
                self._news.notify_all()
            if closed is None:
                self.on_lost()

    def _read_one(self, end: float | None) -> None:
        """Read what there is, at the latest at ``end``. Raises `BusError`, `TimeoutError`."""
        if end is not None and not select.select([self._socket], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeoutError
        try:
            # No further than the message's end, as files come with the first byte of theirs.
            data, files, _, _ = self._socket.recvmsg(self._parser.bytes_desired(), fds_buf_size())
        except OSError as error:
            raise BusError(f"the session bus has ended: {error}") from error
        if not data:
            raise BusError("the session bus has ended")
        self._parser.add_data(data, FileDescriptor.from_ancdata(files))
        while (message := self._parser.get_next_message()) is not None:
            self._take(message)

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.signal:
            path, member = str(fields[HeaderFields.path]), str(fields[HeaderFields.member])
            self.on_signal(Signal(str(fields.get(HeaderFields.sender, "")), path, member, message.body))
            return
        serial = fields.get(HeaderFields.reply_serial)
        with self._news:
            if serial in self._replies:
                self._replies[serial] = message
                self._news.notify_all()


def session_address() -> str:
    """Where the session bus is: as the environment has it, else where systemd puts it; empty: there is none."""
    told = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    usual = f"{os.environ.get('XDG_RUNTIME_DIR', '/nowhere')}/bus"
    return told or (f"unix:path={usual}" if os.path.exists(usual) else "")


def owner_of(bus: Bus, name: str) -> str:
    """The unique name behind ``name``, which is started if it can be. Raises `BusError`."""
    try:
        bus.call(message_bus, "StartServiceByName", "su", (name, 0), timeout_s=25)
    except BusError as error:
        if error.name != "org.freedesktop.DBus.Error.ServiceUnknown":
            raise
    return str(bus.call(message_bus, "GetNameOwner", "s", (name,))[0])


def property_of(bus: Bus, where: DBusAddress, name: str) -> Any:
    """A property's value. Raises `BusError` if there is no such interface or property."""
    properties = where.with_interface("org.freedesktop.DBus.Properties")
    return bus.call(properties, "Get", "ss", (where.interface, name))[0][1]
