"""A real Wayland desktop without a screen: mutter with its portals and PipeWire on a bus of its own, and a user at it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jeepney import DBusAddress

from edgeagent_harness.host.portal.bus import Bus, BusError, Signal, property_of
from edgeagent_harness.host.portal.stream import PortalStream, start
from edgeagent_harness.protocol.geometry import Rect

_LIBEXEC = Path("/usr/libexec")
_PYTHON = "/usr/bin/python3"
"""The system's, which has GTK."""
_PROGRAMS = {
    "mutter": "mutter", "gnome-shell": "gnome-shell", "pipewire": "pipewire", "wireplumber": "wireplumber",
    "gst-launch-1.0": "gstreamer1.0-tools",
    "dbus-daemon": "dbus-daemon", "zenity": "zenity", _PYTHON: "python3",
    str(_LIBEXEC / "xdg-desktop-portal"): "xdg-desktop-portal",
    str(_LIBEXEC / "xdg-desktop-portal-gnome"): "xdg-desktop-portal-gnome",
}  # fmt: skip
"""And the Debian packages that have them."""
_BUS = """<busconfig><type>session</type><listen>unix:path={path}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
_SETTINGS = "[org/gnome/mutter]\nexperimental-features=['scale-monitor-framebuffer']\n"
_MUTTER = "org.gnome.Mutter"
_REMOTE = DBusAddress("/org/gnome/Mutter/RemoteDesktop", f"{_MUTTER}.RemoteDesktop", f"{_MUTTER}.RemoteDesktop")
_CAST = DBusAddress("/org/gnome/Mutter/ScreenCast", f"{_MUTTER}.ScreenCast", f"{_MUTTER}.ScreenCast")
_DISPLAYS = DBusAddress("/org/gnome/Mutter/DisplayConfig", f"{_MUTTER}.DisplayConfig", f"{_MUTTER}.DisplayConfig")
_BLUE_FROM, _BLUE_BY = 180, 60
_SHIFT_L, _ESCAPE = 0xFFE1, 0xFF1B
_PANEL = 32
"""The height of GNOME's."""
_LEFT = 0x110


def missing_packages() -> list[str]:
    """What has to be installed for such a desktop, GNOME Shell among it; empty: all is there."""
    lacking = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if lacking:
        return lacking
    target = "import dbusmock, gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk"
    asked = {
        "gstreamer1.0-pipewire": ["gst-inspect-1.0", "pipewiresrc"],
        "python3-dbusmock gir1.2-gtk-3.0": [_PYTHON, "-c", target],
    }
    return [package for package, argv in asked.items() if subprocess.run(argv, capture_output=True, check=False).returncode]


@dataclass(frozen=True, slots=True)
class WaylandDesktop:
    """One that is up."""

    variables: dict[str, str]
    """The environment of what is started on it."""
    logical: tuple[int, int]
    shell: bool
    scale: float
    """What came of the one that was asked for: mutter's scales divide a monitor into whole units."""


@contextlib.contextmanager
def wayland_desktop(
    root: Path, size_px: tuple[int, int] = (1280, 800), scale: float = 1.0, shell: bool = False
) -> Iterator[WaylandDesktop]:
    """A desktop with one monitor; ``root`` is a short, empty directory. With ``shell`` all of GNOME: its panel has the indicator
    of a shared screen."""
    (root / "run").mkdir(mode=0o700)
    settings = root / "config" / "glib-2.0" / "settings"
    settings.mkdir(parents=True)
    (settings / "keyfile").write_text(_SETTINGS)
    (root / "bus.conf").write_text(_BUS.format(path=root / "bus"))
    told = {
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={root / 'bus'}", "XDG_RUNTIME_DIR": str(root / "run"), "HOME": str(root),
        "XDG_CONFIG_HOME": str(root / "config"), "XDG_CURRENT_DESKTOP": "GNOME", "XDG_SESSION_TYPE": "wayland",
        "WAYLAND_DISPLAY": "wayland-test", "LIBGL_ALWAYS_SOFTWARE": "1", "GSETTINGS_BACKEND": "keyfile", "NO_AT_BRIDGE": "1",
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
    }  # fmt: skip
    with contextlib.ExitStack() as stack:

        def begin(*argv: str, there: Callable[[], bool]) -> None:
            stack.enter_context(_program(argv, told, root / f"{Path(argv[0]).name}.log", there))

        begin("dbus-daemon", f"--config-file={root / 'bus.conf'}", "--nofork", there=(root / "bus").exists)
        bus = Bus.connect(told["DBUS_SESSION_BUS_ADDRESS"])
        stack.callback(bus.close)
        begin("pipewire", there=(root / "run" / "pipewire-0").exists)
        begin("wireplumber", there=lambda: True)
        if shell:  # which asks systemd-logind
            told["DBUS_SYSTEM_BUS_ADDRESS"] = told["DBUS_SESSION_BUS_ADDRESS"]
            mock = (_PYTHON, "-m", "dbusmock", "--system", "--template", "logind")
            begin(*mock, there=lambda: _owned(bus, "org.freedesktop.login1"))
        size = f"{size_px[0]}x{size_px[1]}"
        argv = ("gnome-shell" if shell else "mutter", "--headless", *(() if shell else ("--wayland",)), "--no-x11")
        begin(*argv, "--virtual-monitor", size, "--wayland-display", "wayland-test", there=lambda: _owned(bus, _CAST.bus_name))
        exact = scale if scale == 1.0 else _set_scale(bus, scale)
        begin(str(_LIBEXEC / "xdg-desktop-portal-gnome"), there=lambda: _owned(bus, "org.freedesktop.impl.portal.desktop.gnome"))
        begin(str(_LIBEXEC / "xdg-desktop-portal"), there=lambda: _owned(bus, "org.freedesktop.portal.Desktop"))
        yield WaylandDesktop(told, (round(size_px[0] / exact), round(size_px[1] / exact)), shell, exact)


@contextlib.contextmanager
def _program(argv: tuple[str, ...], told: dict[str, str], log: Path, there: Callable[[], bool]) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(argv, env=told, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    end = time.monotonic() + 20
    while not there():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _owned(bus: Bus, name: str | None) -> bool:
    where = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    return bool(bus.call(where, "NameHasOwner", "s", (name,))[0])


def _set_scale(bus: Bus, scale: float) -> float:
    serial, monitors, *_ = bus.call(_DISPLAYS, "GetCurrentState")
    (connector, *_), modes, _ = monitors[0]
    exact = min(modes[0][5], key=lambda offered: abs(offered - scale))
    assert abs(exact - scale) < 0.02, modes[0][5]
    logical = (0, 0, exact, 0, True, [(connector, modes[0][0], {})])
    bus.call(_DISPLAYS, "ApplyMonitorsConfig", "uua(iiduba(ssa{sv}))a{sv}", (serial, 1, [logical], {}))
    return float(exact)


def _is_blue(pixel: np.ndarray) -> bool:
    """Also where the pointer over it makes it lighter. The desktops' backgrounds are darker."""
    return int(pixel[2]) > _BLUE_FROM and int(pixel[2]) - int(pixel[0]) > _BLUE_BY


class User:
    """Sees the desktop and answers its dialogs, by mutter's own interfaces: neither is what is tested."""

    def __init__(self, desktop: WaylandDesktop) -> None:
        self._logical = desktop.logical
        self._panel = _PANEL if desktop.shell else 0
        self._bus = Bus.connect(desktop.variables["DBUS_SESSION_BUS_ADDRESS"])
        remote = str(self._bus.call(_REMOTE, "CreateSession")[0])
        self._session = DBusAddress(remote, f"{_MUTTER}.RemoteDesktop", f"{_MUTTER}.RemoteDesktop.Session")
        number = property_of(self._bus, self._session, "SessionId")
        cast = str(self._bus.call(_CAST, "CreateSession", "a{sv}", ({"remote-desktop-session-id": ("s", number)},))[0])
        where = DBusAddress(cast, f"{_MUTTER}.ScreenCast", f"{_MUTTER}.ScreenCast.Session")
        self._stream = str(self._bus.call(where, "RecordMonitor", "sa{sv}", ("", {"cursor-mode": ("u", 0)}))[0])
        nodes: list[int] = []

        def on_signal(signal: Signal) -> None:
            if signal.member == "PipeWireStreamAdded":
                nodes.append(int(signal.body[0]))

        self._bus.on_signal = on_signal
        self._bus.listen(f"{_MUTTER}.ScreenCast", "/org/gnome/Mutter/ScreenCast", f"{_MUTTER}.ScreenCast.Stream")
        self._bus.call(self._session, "Start")
        self._bus.wait_for(lambda: bool(nodes), 10)
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{desktop.variables['XDG_RUNTIME_DIR']}/pipewire-0")
        running = start(connection.detach(), nodes[0])
        self._size_px = running.size_px
        self._gstreamer = running.process
        self._pictures = PortalStream(running.pictures, running.log, running.size_px)
        for down in (True, False):  # the user has a keyboard, and leaves the overview that GNOME begins with
            self._bus.call(self._session, "NotifyKeyboardKeysym", "ub", (_ESCAPE if desktop.shell else _SHIFT_L, down))

    def answer_dialog(self, yes: bool = True, interaction: bool = True) -> None:
        """Once the portal's dialog is up: allow interaction if told so, and press Share or Cancel."""
        middle_x, middle_y = self._logical[0] / 2, (self._logical[1] + self._panel) / 2
        share = (middle_x + 232, middle_y - 134)
        assert self._turns_blue(*share, timeout_s=20), "the dialog did not come"
        time.sleep(0.5)  # it grows as it comes up
        if interaction:
            self._click(middle_x + 178, middle_y + 74)
            assert self._turns_blue(middle_x + 168, middle_y + 74, timeout_s=5), "the switch does not turn"
        self._click(*share if yes else (middle_x - 203, middle_y - 126))

    def _turns_blue(self, x: float, y: float, timeout_s: float) -> bool:
        """Whether a logical place shows the colour of what is to be pressed, or is on, within the time."""
        end = time.monotonic() + timeout_s
        while not (blue := _is_blue(self._pixel(x, y))) and time.monotonic() < end:
            time.sleep(0.1)
        return blue

    def _pixel(self, x: float, y: float) -> np.ndarray:
        """The colour (red, green, blue) at a logical place."""
        width, height = self._size_px
        picture = np.frombuffer(self._pictures.latest(), np.uint8).reshape(height, width, 4)
        return picture[int(y * height / self._logical[1]), int(x * width / self._logical[0]), 2::-1]

    def _click(self, x: float, y: float) -> None:
        pixels = (x * self._size_px[0] / self._logical[0], y * self._size_px[1] / self._logical[1])
        self._bus.call(self._session, "NotifyPointerMotionAbsolute", "sdd", (self._stream, *pixels))
        for down in (True, False):
            time.sleep(0.05)
            self._bus.call(self._session, "NotifyPointerButton", "ib", (_LEFT, down))

    def stop_sharing(self) -> None:
        """Click the indicator in GNOME's panel. It ends all that is shared, our own view too."""
        with contextlib.suppress(BusError):
            self._click(self._logical[0] - 115, self._panel / 2)

    def click_and_type(self, x: float, y: float, keysym: int) -> None:
        """As a person who goes on."""
        self._click(x, y)
        for down in (True, False):
            self._bus.call(self._session, "NotifyKeyboardKeysym", "ub", (keysym, down))

    def close(self) -> None:
        with contextlib.suppress(BusError):
            self._bus.call(self._session, "Stop")
        self._bus.close()
        self._gstreamer.kill()
        self._gstreamer.wait()


class Target:
    """An application over the whole monitor that tells what arrives."""

    def __init__(self, desktop: WaylandDesktop, root: Path) -> None:
        self._log = root / "target.log"
        program = Path(__file__).parent / "wayland_target.py"
        variables = {**desktop.variables, "GDK_BACKEND": "wayland"}
        with self._log.open("wb") as said:
            self._process = subprocess.Popen(
                [_PYTHON, program, *(["maximized"] if desktop.shell else [])], env=variables, stdout=said, stderr=said
            )
        self.wait_for("mapped")

    def told(self, kind: str) -> list[list[str]]:
        """What followed ``kind`` in its lines."""
        lines = [line.split() for line in self._log.read_text().splitlines()]
        return [words[1:] for words in lines if words and words[0] == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[list[str]]:
        end = time.monotonic() + 10
        while len(self.told(kind)) < count:
            assert time.monotonic() < end, self._log.read_text()
            time.sleep(0.05)
        return self.told(kind)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(5)


def cells(width: int, height: int) -> list[Rect]:
    """Pixels of a picture to click: the corners, the middle, and a few between."""
    places = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1), (width // 2, height // 2)]
    places += [(width * n // 17, height * (17 - n) // 19) for n in range(1, 16)]
    return [Rect(x, y, x + 1, y + 1) for x, y in places]
