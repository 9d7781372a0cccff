"""Windows as the portable driver needs it: pixels, rights, what is down, text. Written from Microsoft's documentation, untried.

Functions of user32, kernel32 and advapi32, called by ctypes. A process that counts pixels per monitor captures and clicks in the
same physical pixels, so that no scale is left to convert; it must say so before it asks about anything.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.host.seat.windows_types import INPUT, MONITORINFOEXW, RECT, keyboard_input
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.keynames import is_typable
from edgeagent_harness.protocol.actions import MouseButton
from edgeagent_harness.protocol.geometry import Rect

_PER_MONITOR_V2 = -4  # DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2
_PER_MONITOR = 2  # DPI_AWARENESS_PER_MONITOR_AWARE
_SWITCH_DESKTOP = 0x0100  # DESKTOP_SWITCHDESKTOP
_QUERY_LIMITED = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_TOKEN_QUERY = 8
_TOKEN_ELEVATION = 20
_PRIMARY = 1  # MONITORINFOF_PRIMARY
_SWAPPED = 23  # SM_SWAPBUTTON
_DOWN = 0x8000
_BUTTON_KEYS: dict[MouseButton, int] = {"left": 1, "right": 2, "middle": 4}
_SWAPPED_KEYS: dict[MouseButton, int] = {"left": 2, "right": 1, "middle": 4}
_NO_KEYS = {1, 2, 4, 5, 6}
"""Codes of keys that are buttons of the mouse."""


def _load(name: str) -> Any:
    return getattr(ctypes, "windll")[name]  # noqa: B009  # it is there on Windows alone


class Windows:
    """As `System`."""

    name = "Windows"
    libraries = ()
    notch = 120
    turns_sideways = False

    def __init__(self, load: Callable[[str], Any] = _load) -> None:
        self._user = load("user32")
        self._kernel = load("kernel32")
        self._security = load("advapi32")
        self._shell = load("shell32")
        _declare(self._user, self._kernel, self._security)

    def prepare(self) -> None:
        """Count in physical pixels, each monitor's own. Raises `EnvironmentLacks` before Windows 10 1703."""
        self._user.SetProcessDpiAwarenessContext(ctypes.c_void_p(_PER_MONITOR_V2))  # fails where it is set already
        context = self._user.GetThreadDpiAwarenessContext()
        if self._user.GetAwarenessFromDpiAwarenessContext(context) != _PER_MONITOR:
            reason = "this program cannot see monitors in their own pixels, so that clicks would go astray"
            raise EnvironmentLacks(f"{reason}. Mend: Windows 10 1703 or later, and no compatibility setting for python.exe")

    # -- rights -------------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        if reason := self._desktop_in_the_way():
            raise EnvironmentLacks(f"{reason}. Mend: unlock it, and start in the session that shows the desktop")

    def check_keys(self) -> None:
        """Windows tells every program of its desktop which keys are down."""

    def obstacle(self) -> str:
        return self._desktop_in_the_way() or self._elevated_in_the_way()

    def _desktop_in_the_way(self) -> str:
        """Which desktop has the input: programs reach their own alone."""
        desktop = self._user.OpenInputDesktop(0, False, _SWITCH_DESKTOP)
        if desktop:
            self._user.CloseDesktop(desktop)
            return ""
        return "Windows shows its secure desktop (locked, or asking for an administrator's consent), which no program reaches"

    def _elevated_in_the_way(self) -> str:
        """User Interface Privilege Isolation drops what a program sends to one with more rights, without a word."""
        process_id = ctypes.c_uint32()
        window = self._user.GetForegroundWindow()
        if not window or self._shell.IsUserAnAdmin():
            return ""
        self._user.GetWindowThreadProcessId(window, ctypes.byref(process_id))
        if not self._is_elevated(process_id.value):
            return ""
        return (
            "the window in front runs with an administrator's rights, and Windows drops input to it. Bring another to the front"
        )

    def _is_elevated(self, process_id: int) -> bool:
        """Whether the process has an administrator's rights; one that may not be asked has."""
        process = self._kernel.OpenProcess(_QUERY_LIMITED, False, process_id)
        if not process:
            return True
        token, elevated, length = ctypes.c_void_p(), ctypes.c_uint32(), ctypes.c_uint32()
        try:
            if not self._security.OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)):
                return True
            size = ctypes.sizeof(elevated)
            told = self._security.GetTokenInformation(token, _TOKEN_ELEVATION, ctypes.byref(elevated), size, ctypes.byref(length))
            self._kernel.CloseHandle(token)
            return not told or bool(elevated.value)
        finally:
            self._kernel.CloseHandle(process)

    # -- monitors -----------------------------------------------------------------------------------------------------------

    def monitors(self) -> Layout:
        found: list[Monitor] = []

        def take(handle: int, _context: int, _box: object, _data: int) -> int:
            info = MONITORINFOEXW(ctypes.sizeof(MONITORINFOEXW))
            if self._user.GetMonitorInfoW(handle, ctypes.byref(info)):
                found.append(_monitor(info))
            return 1

        self._user.EnumDisplayMonitors(None, None, _callback(take), 0)
        if not found:
            raise EnvironmentLacks("Windows tells of no monitor; is this a session without a desktop?")
        return Layout(tuple(found))

    # -- what is down, and what pyautogui cannot send -----------------------------------------------------------------------

    def keys_down(self) -> set[int]:
        return {code for code in range(1, 255) if code not in _NO_KEYS and self._is_down(code)}

    def buttons_down(self) -> tuple[MouseButton, ...]:
        """Keys of the mouse are told as they are on it; for whoever swaps them, the left one is the right one."""
        keys = _SWAPPED_KEYS if self._user.GetSystemMetrics(_SWAPPED) else _BUTTON_KEYS
        return tuple(name for name, code in keys.items() if self._is_down(code))

    def _is_down(self, code: int) -> bool:
        return bool(self._user.GetAsyncKeyState(code) & _DOWN)

    def click_again(self, button: MouseButton, down: bool, count: int, place: tuple[int, int]) -> bool:
        """Windows counts clicks itself."""
        return False

    def can_type(self, char: str) -> bool:
        return is_typable(char)

    def type_char(self, char: str) -> None:
        """By packets that carry the text itself, whatever the keyboard's layout."""
        units = char.encode("utf-16-le")
        codes = [int.from_bytes(units[index : index + 2], "little") for index in range(0, len(units), 2)]
        events = [keyboard_input(code, up) for up in (False, True) for code in codes]
        sent = self._user.SendInput(len(events), (INPUT * len(events))(*events), ctypes.sizeof(INPUT))
        if sent != len(events):
            raise Refused("forbidden", f"Windows let no key through: {self.obstacle() or 'another program blocks input'}")


def _monitor(info: MONITORINFOEXW) -> Monitor:
    area: RECT = info.monitor
    box = Rect(area.left, area.top, area.right, area.bottom)
    return Monitor(str(info.device).removeprefix("\\\\.\\"), box, bool(info.flags & _PRIMARY), 1.0, (box.left, box.top))


def _callback(function: Callable[..., int]) -> Any:
    """As Windows calls it (MONITORENUMPROC): on 64-bit systems there is one way of calling only."""
    kind: Any = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
    pointer = ctypes.c_void_p
    return kind(ctypes.c_int, pointer, pointer, ctypes.POINTER(RECT), ctypes.c_ssize_t)(function)


def _declare(user: Any, kernel: Any, security: Any) -> None:
    """Handles are as wide as pointers; ctypes would take them for int."""
    pointer, u32 = ctypes.c_void_p, ctypes.c_uint32
    for library, name, result, arguments in (
        (user, "SetProcessDpiAwarenessContext", ctypes.c_int, (pointer,)),
        (user, "GetThreadDpiAwarenessContext", pointer, ()),
        (user, "GetAwarenessFromDpiAwarenessContext", ctypes.c_int, (pointer,)),
        (user, "OpenInputDesktop", pointer, (u32, ctypes.c_int, u32)),
        (user, "CloseDesktop", ctypes.c_int, (pointer,)),
        (user, "GetForegroundWindow", pointer, ()),
        (user, "GetWindowThreadProcessId", u32, (pointer, pointer)),
        (user, "GetMonitorInfoW", ctypes.c_int, (pointer, pointer)),
        (user, "EnumDisplayMonitors", ctypes.c_int, (pointer, pointer, pointer, ctypes.c_ssize_t)),
        (user, "GetAsyncKeyState", ctypes.c_int16, (ctypes.c_int,)),
        (user, "SendInput", u32, (u32, pointer, ctypes.c_int)),
        (kernel, "OpenProcess", pointer, (u32, ctypes.c_int, u32)),
        (kernel, "CloseHandle", ctypes.c_int, (pointer,)),
        (security, "OpenProcessToken", ctypes.c_int, (pointer, u32, pointer)),
        (security, "GetTokenInformation", ctypes.c_int, (pointer, ctypes.c_int, pointer, u32, pointer)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
