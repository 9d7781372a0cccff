"""What host mode imports and says on macOS and Windows, where a Linux plays them; rights and arithmetic, by stand-ins."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from edgeagent.cli.host_options import host_spec
from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.host.corners import is_outer_corner
from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.host.parts import part_of
from edgeagent_harness.host.seat import macos, windows
from edgeagent_harness.host.seat.key_names import pyautogui_name
from edgeagent_harness.host.seat.macos import CGRect, MacOS
from edgeagent_harness.host.seat.portable import PortableSeat, logical_around, physical_of
from edgeagent_harness.host.seat.windows import Windows
from edgeagent_harness.inside.errors import Refused, ScreenError
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec

RUN = Path(__file__).parents[1] / "support" / "other_system.py"
SEAT = ("driver", "portable", "system", "macos", "windows", "executor", "guardian")
ON_BOTH = ("drivers", "parts", *(f"seat.{name}" for name in SEAT))
ON_MACOS = ("host.serving", "outside.reception", "outside.supervisor", "outside.__main__")


def run_on(system: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, RUN, system, *argv], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("system", "modules"),
    [
        ("darwin", tuple(f"edgeagent_harness.host.{name}" for name in ON_BOTH)),
        ("darwin", tuple(f"edgeagent_harness.{name}" for name in ON_MACOS)),
        ("darwin", ("edgeagent.cli.run", "edgeagent.runner", "edgeagent.engine.process", "edgeagent_models.serve")),
        ("win32", tuple(f"edgeagent_harness.host.{name}" for name in ON_BOTH)),
        ("win32", ("edgeagent.cli.main",)),
    ],
)
def test_nothing_is_imported_that_is_not_there(system: str, modules: tuple[str, ...]) -> None:
    code = f"import other_system as o; o.become({system!r}); import importlib\nfor m in {modules!r}: importlib.import_module(m)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=RUN.parent)
    assert (done.returncode, done.stderr) == (0, "")


def test_on_windows_each_command_says_that_it_cannot_run() -> None:
    for command in (["run", "do it", "--host"], ["sessions", "list"]):
        done = run_on("win32", "edgeagent.cli.main", *command)
        assert done.returncode == 3
        assert "does not run on Windows" in done.stderr
        assert "Traceback" not in done.stderr
    assert "--host" not in run_on("win32", "edgeagent.cli.main", "--help").stderr


def test_on_macos_a_sandbox_says_that_it_needs_linux() -> None:
    done = run_on("darwin", "edgeagent_harness.outside", "check")
    assert (done.returncode, done.stderr) == (
        3, "edgeagent sandbox: the sandbox needs Linux. Mend: run edgeagent in a Linux virtual machine\n"
    )  # fmt: skip


# -- stand-ins for libraries of the systems --------------------------------------------------------------------------------------


class Function:
    """One C function: answers what it is told to, and takes the types that ctypes is given."""

    restype: object = None
    argtypes: object = ()

    def __init__(self, answer: Callable[..., Any]) -> None:
        self._answer = answer

    def __call__(self, *arguments: Any) -> Any:
        return self._answer(*arguments)


class Library:
    """Functions answer zero unless told otherwise."""

    def __init__(self, **answers: Any) -> None:
        self._functions = {name: Function(value if callable(value) else lambda *_, v=value: v) for name, value in answers.items()}

    def __getattr__(self, name: str) -> Function:
        return self._functions.setdefault(name, Function(lambda *_: 0))


ONE = ((0, 0, 100, 50, 100),)


def mac(boxes: tuple[tuple[float, float, float, float, int], ...] = ONE, **answers: Any) -> MacOS:
    """Displays by left, top, width, height in points, and pixels across; the first is the main one."""

    def listed(_room: int, ids: Any, count: Any) -> int:
        for index in range(len(boxes)):
            ids[index] = index + 1
        count._obj.value = len(boxes)
        return 0

    core = Library(
        CGGetActiveDisplayList=listed, CGMainDisplayID=1, CGDisplayBounds=lambda number: CGRect(*boxes[number - 1][:4]),
        CGDisplayCopyDisplayMode=lambda number: number, CGDisplayModeGetPixelWidth=lambda number: boxes[number - 1][4],
        CGSessionCopyCurrentDictionary=1, **answers,
    )  # fmt: skip
    return MacOS(lambda _path: core)


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How macOS is asked for pictures."""
    asked: list[int] = []
    monkeypatch.setattr(macos, "_capture_in", asked.append)
    monkeypatch.setattr(macos, "_constant", lambda _library, _name: ctypes.c_void_p(1))
    return asked


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("CGPreflightScreenCaptureAccess", r"Screen & System Audio Recording.*sees no window"),
        ("AXIsProcessTrustedWithOptions", r"Accessibility.*presses no key"),
    ],
)
def test_macos_names_the_right_that_is_missing(options: list[int], missing: str, told: str) -> None:
    given: dict[str, Any] = {"CGPreflightScreenCaptureAccess": 1, "AXIsProcessTrustedWithOptions": 1}
    mac(ONE, **given).check()
    with pytest.raises(EnvironmentLacks, match=told + r".*Mend: allow it for your terminal in System Settings"):
        mac(ONE, **{**given, missing: 0}).check()


def test_macos_asks_for_input_monitoring_for_the_stop_key_alone(options: list[int]) -> None:
    mac(CGPreflightListenEventAccess=1).check_keys()
    with pytest.raises(EnvironmentLacks, match=r"Input Monitoring.*--stop-key ''"):
        mac().check_keys()


def test_macos_tells_a_locked_screen(options: list[int]) -> None:
    assert mac(CFDictionaryGetValue=5, CFBooleanGetValue=1).obstacle() == "the screen is locked"
    assert mac(CFDictionaryGetValue=5, CFBooleanGetValue=0).obstacle() == ""
    assert "no desktop" in MacOS(lambda _path: Library()).obstacle()


def test_macos_counts_pixels_where_all_monitors_have_one_scale(options: list[int]) -> None:
    layout = mac(((0, 0, 1440, 900, 2880), (-1280, 20, 1280, 720, 2560))).monitors()
    assert [monitor.box for monitor in layout.monitors] == [Rect(0, 0, 2880, 1800), Rect(-2560, 40, 0, 1480)]
    assert layout.primary.box == Rect(0, 0, 2880, 1800)
    assert layout.ordered[0].to_logical(-2559, 41) == (-1279.25, 20.75)
    mixed = mac(((0, 0, 1440, 900, 2880), (1440, 0, 1920, 1080, 5760))).monitors()
    assert [(monitor.box, monitor.scale) for monitor in mixed.monitors] == [
        (Rect(0, 0, 1440, 900), 1.0), (Rect(1440, 0, 3360, 1080), 1.0)
    ]  # fmt: skip
    assert options[0] & 1 << 3, "whole pixels"
    assert options[1] & 1 << 4, "points"


def win(answers: dict[str, Any]) -> Windows:
    library = Library(**answers)
    return Windows(lambda _name: library)


def test_windows_wants_pixels_of_each_monitor() -> None:
    asked: list[int] = []
    answers: dict[str, Any] = {"SetProcessDpiAwarenessContext": lambda context: asked.append(context.value)}
    win({**answers, "GetAwarenessFromDpiAwarenessContext": 2}).prepare()
    assert ctypes.c_ssize_t(asked[0]).value == -4
    with pytest.raises(EnvironmentLacks, match=r"clicks would go astray.*Windows 10 1703"):
        win({**answers, "GetAwarenessFromDpiAwarenessContext": 1}).prepare()


def test_windows_tells_what_input_would_not_reach() -> None:
    def token_with(elevated: int) -> Callable[..., int]:
        def told(_token: object, _kind: int, value: Any, _size: int, _length: object) -> int:
            value._obj.value = elevated
            return 1

        return told

    here = {"OpenInputDesktop": 3, "GetForegroundWindow": 4, "OpenProcess": 5, "OpenProcessToken": 1}
    assert win({**here, "GetTokenInformation": token_with(0)}).obstacle() == ""
    assert "administrator's rights" in win({**here, "GetTokenInformation": token_with(1)}).obstacle()
    assert "administrator's rights" in win({**here, "OpenProcess": 0}).obstacle(), "one that may not be asked"
    assert win({**here, "OpenProcess": 0, "IsUserAnAdmin": 1}).obstacle() == ""
    assert "secure desktop" in win({**here, "OpenInputDesktop": 0}).obstacle()
    with pytest.raises(EnvironmentLacks, match=r"secure desktop.*Mend: unlock it"):
        win({}).check()


def test_windows_monitors_keep_their_offsets() -> None:
    boxes = {1: (-1920, -200, 0, 880, 0), 2: (0, 0, 2560, 1440, 1)}

    def informed(handle: int, room: Any) -> int:
        info = room._obj
        info.monitor.left, info.monitor.top, info.monitor.right, info.monitor.bottom, info.flags = boxes[handle]
        info.device = f"\\\\.\\DISPLAY{handle}"
        return 1

    def each(_context: object, _clip: object, callback: Callable[..., int], _data: int) -> int:
        return int(all(callback(handle, 0, None, 0) for handle in boxes))

    layout = win({"GetMonitorInfoW": informed, "EnumDisplayMonitors": each}).monitors()
    assert layout.box == Rect(-1920, -200, 2560, 1440)
    assert layout.primary.name == "DISPLAY2"
    assert layout.monitors[0].to_logical(-1920, -200) == (-1919.5, -199.5)


def test_windows_knows_which_buttons_are_down_for_the_user() -> None:
    left_down = {"GetAsyncKeyState": lambda code: 0x8000 if code in (1, 65) else 1}
    assert win(left_down).keys_down() == {65}
    assert win(left_down).buttons_down() == ("left",)
    assert win({**left_down, "GetSystemMetrics": 1}).buttons_down() == ("right",), "whoever swapped them"


def test_windows_types_any_character_and_tells_when_it_is_dropped() -> None:
    sent: list[list[tuple[int, int]]] = []

    def send(count: int, events: Any, _size: int) -> int:
        sent.append([(one.event.keyboard.scan, one.event.keyboard.flags) for one in events])
        return count

    win({"SendInput": send}).type_char("😀")
    assert sent == [[(0xD83D, 4), (0xDE00, 4), (0xD83D, 6), (0xDE00, 6)]]
    with pytest.raises(Refused, match="let no key through: Windows shows its secure desktop"):
        win({"SendInput": 0}).type_char("a")
    assert ctypes.sizeof(windows.INPUT) == (40 if ctypes.sizeof(ctypes.c_void_p) == 8 else 28)


# -- the seat's own arithmetic ---------------------------------------------------------------------------------------------------


class Shot:
    """A picture that mss gives: each pixel says where on the desktop it is."""

    def __init__(self, box: dict[str, int], scale: int) -> None:
        self.width, self.height = box["width"] * scale, box["height"] * scale
        left, top = box["left"] * scale, box["top"] * scale
        self.raw = b"".join(
            (x & 0xFFFF).to_bytes(2, "little") + (y & 0xFFFF).to_bytes(2, "little")
            for y in range(top, top + self.height) for x in range(left, left + self.width)
        )  # fmt: skip


class TwoMonitors:
    """A system with the primary monitor to the right of another one."""

    name, notch, turns_sideways = "two monitors", 120, False

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def monitors(self) -> Layout:
        boxes = (Rect(0, 0, 30, 20), Rect(-40, 5, 0, 15))
        return Layout(
            tuple(
                Monitor(
                    str(number), Rect(*(edge * self.scale for edge in (box.left, box.top, box.right, box.bottom))), number == 0,
                    self.scale, (box.left, box.top),
                )
                for number, box in enumerate(boxes)
            )
        )  # fmt: skip

    def obstacle(self) -> str:
        return ""


class Gui:
    """What pyautogui was asked for."""

    class platformModule:
        keyboardMapping: ClassVar[dict[str, int | None]] = {
            "a": 65,
            "A": 65 | 0x100,
            "esc": 27,
            "escape": 27,
            "command": 55,
            "fn": None,
        }

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **_: self.asked.append((name, *arguments))


def seat_with(scale: int, answered_scale: int | None = None) -> tuple[PortableSeat, Gui]:
    class Camera:
        def grab(self, box: dict[str, int]) -> Shot:
            return Shot(box, answered_scale or scale)

    gui = Gui()
    system: Any = TwoMonitors(scale)
    return PortableSeat(system, Camera(), gui, None), gui


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("region", [Rect(-3, 7, 5, 11), Rect(-79, 11, -70, 13), Rect(1, 1, 2, 2), Rect(-7, 8, 9, 25)], ids=str)
def test_each_pixel_is_captured_from_where_it_is(scale: int, region: Rect) -> None:
    seat, _ = seat_with(scale)
    pixels = seat.capture(region)
    layout = seat.monitors()
    for index, (y, x) in enumerate((y, x) for y in range(region.top, region.bottom) for x in range(region.left, region.right)):
        expected = (x & 0xFFFF).to_bytes(2, "little") + (y & 0xFFFF).to_bytes(2, "little") if layout.at(x, y) else bytes(4)
        assert pixels[4 * index : 4 * index + 4] == expected, (x, y)


def test_a_scale_that_changes_under_way_is_an_error() -> None:
    with pytest.raises(ScreenError, match="its scale changed"):
        seat_with(2, answered_scale=1)[0].capture(Rect(0, 0, 4, 4))


@pytest.mark.parametrize("scale", [1, 2])
def test_each_click_goes_to_the_unit_under_its_pixel(scale: int) -> None:
    seat, gui = seat_with(scale)
    for x, y in ((0, 0), (-1, 5 * scale), (-40 * scale, 7 * scale), (29 * scale, 19 * scale), (scale, 1)):
        seat.move(x, y)
        assert gui.asked[-1] == ("moveTo", x // scale, y // scale)


def test_units_around_a_part_hold_it_and_no_more() -> None:
    monitor = Monitor("left", Rect(-80, 10, 0, 30), scale=2.0, logical=(-40, 5))
    assert logical_around(monitor, Rect(-79, 11, -76, 13)) == Rect(-40, 5, -38, 7)
    assert physical_of(monitor, Rect(-40, 5, -38, 7)) == Rect(-80, 10, -76, 14)


def test_keys_wheel_and_buttons_are_told_as_the_system_wants_them() -> None:
    seat, gui = seat_with(1)
    assert [seat.key_name(name) for name in ("Escape", "ESC", "a", "A", "cmd", "fn", "nokey")] == [
        "esc", "esc", "a", "a", "command", "", ""
    ]  # fmt: skip
    seat.turn(0, 1)
    assert gui.asked == [("vscroll", -120)]
    with pytest.raises(Refused, match="sideways on two monitors"):
        seat.turn(1, 0)
    with pytest.raises(Refused, match="no forward button"):
        seat.button("forward", down=True)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Control_L", "ctrl"), ("CTRL", "ctrl"), ("altgr", "altright"), ("Return", "enter"), ("PgUp", "pageup"), ("F5", "f5"),
        ("KP_7", "7"), ("plus", "+"), ("A", "A"), ("é", "é"), ("Meta", "win"), ("spacebar", "space"), ("arrowleft", "left"),
    ],
)  # fmt: skip
def test_key_names(written: str, name: str) -> None:
    assert pyautogui_name(written) == name


def test_corners_are_those_that_the_pointer_can_be_thrown_into() -> None:
    layout = TwoMonitors(1).monitors()
    corners = {(x, y) for x in range(-40, 30) for y in range(20) if is_outer_corner(x, y, layout)}
    assert {(29, 0), (29, 19), (-40, 5), (-40, 14)} <= corners
    assert {(0, 19), (0, 0)} <= corners, "below and above the shorter monitor beside it"
    assert not {(-1, 5), (-1, 14), (0, 10), (15, 0)} & corners


def test_parts_of_a_desktop_with_offsets_below_zero() -> None:
    layout = TwoMonitors(1).monitors()
    assert part_of(HostSpec(), layout, layout.box) == Rect(-40, 0, 30, 20)
    assert part_of(HostSpec(monitor="1"), layout, layout.box) == Rect(-40, 5, 0, 15)
    assert part_of(HostSpec(region=Rect(-10, 6, 10, 9)), layout, layout.box) == Rect(-10, 6, 10, 9)
    with pytest.raises(UsageProblem, match=r"there are 1 \(1\), 2 \(0\)"):
        part_of(HostSpec(monitor="3"), layout, layout.box)


def test_a_region_can_lie_left_of_the_primary_monitor() -> None:
    asked = host_spec(host=True, monitor="", window="", region="800x600+-900+50", stop_key=None)
    assert asked is not None
    assert asked.region == Rect(-900, 50, -100, 650)


def test_an_engine_says_that_nothing_takes_its_network_away() -> None:
    code = "import other_system as o; o.become('darwin'); from edgeagent_models import isolation; print(isolation.isolate())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=RUN.parent)
    layers = ("engine_network_namespace", "engine_no_new_privileges", "engine_socket_filter")
    assert done.stdout == f"{[f'{layer}: only Linux has it' for layer in layers]}\n", done.stderr
