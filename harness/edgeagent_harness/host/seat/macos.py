"""macOS as the portable driver needs it: rights, monitors, what is down, text. Written from Apple's documentation, untried.

Functions of CoreGraphics, ApplicationServices and CoreFoundation, called by ctypes. Monitors that share one scale are captured in
whole pixels; monitors of different scales in points, as one picture of both would have to stretch one of them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.inside.keynames import is_typable
from edgeagent_harness.protocol.actions import MouseButton
from edgeagent_harness.protocol.geometry import Rect

_FRAMEWORKS = "/System/Library/Frameworks/{0}.framework/{0}"
_SETTINGS = "System Settings > Privacy & Security"
_MAX_DISPLAYS = 32
_KEYS = 128
_SESSION_STATE = 0  # kCGEventSourceStateCombinedSessionState
_HID_TAP = 0  # kCGHIDEventTap
_CLICK_STATE = 1  # kCGMouseEventClickState
_UTF8 = 0x0800_0100  # kCFStringEncodingUTF8
_BUTTONS: dict[MouseButton, int] = {"left": 0, "right": 1, "middle": 2}
_EVENTS: dict[tuple[MouseButton, bool], int] = {
    ("left", True): 1, ("left", False): 2, ("right", True): 3, ("right", False): 4, ("middle", True): 25, ("middle", False): 26,
}  # fmt: skip
_WHOLE_PIXELS = 1 << 0 | 1 << 1 | 1 << 3
"""kCGWindowImage: bounds without framing, opaque, best resolution."""
_POINTS = 1 << 0 | 1 << 1 | 1 << 4
"""The same in nominal resolution."""


class CGPoint(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


class CGRect(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double), ("width", ctypes.c_double), ("height", ctypes.c_double)]


class MacOS:
    """As `System`."""

    name = "macOS"
    libraries = ("Quartz", "AppKit")
    notch = 1
    turns_sideways = True

    def __init__(self, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        self._core = load(_FRAMEWORKS.format("CoreGraphics"))
        self._services = load(_FRAMEWORKS.format("ApplicationServices"))
        self._foundation = load(_FRAMEWORKS.format("CoreFoundation"))
        _declare(self._core, self._services, self._foundation)

    def prepare(self) -> None:
        """Nothing: every program on macOS counts in points."""

    # -- rights -------------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        if not self._core.CGPreflightScreenCaptureAccess():
            self._core.CGRequestScreenCaptureAccess()  # it shows the system's own question, once
            raise _not_allowed(
                "Screen & System Audio Recording (before macOS 15: Screen Recording)", "sees no window but its own"
            )
        if not self._trusted():
            raise _not_allowed("Accessibility", "moves no pointer and presses no key")

    def check_keys(self) -> None:
        if not self._core.CGPreflightListenEventAccess():
            self._core.CGRequestListenEventAccess()
            reason = "cannot see the stop key. Or start with --stop-key '': a corner of the screen stops it, too"
            raise _not_allowed("Input Monitoring", reason)

    def _trusted(self) -> bool:
        """Asks the user with the system's own question if it is not so."""
        foundation = self._foundation
        prompt, yes = _constant(self._services, "kAXTrustedCheckOptionPrompt"), _constant(foundation, "kCFBooleanTrue")
        options = foundation.CFDictionaryCreate(None, ctypes.byref(prompt), ctypes.byref(yes), 1, None, None)
        try:
            return bool(self._services.AXIsProcessTrustedWithOptions(options))
        finally:
            foundation.CFRelease(options)

    def obstacle(self) -> str:
        session = self._core.CGSessionCopyCurrentDictionary()
        if not session:
            return "this process belongs to no desktop: it was started over ssh or by a service"
        key = self._foundation.CFStringCreateWithCString(None, b"CGSSessionScreenIsLocked", _UTF8)
        try:
            locked = self._foundation.CFDictionaryGetValue(session, key)
            return "the screen is locked" if locked and self._foundation.CFBooleanGetValue(locked) else ""
        finally:
            self._foundation.CFRelease(key)
            self._foundation.CFRelease(session)

    # -- monitors -----------------------------------------------------------------------------------------------------------

    def monitors(self) -> Layout:
        """Physical pixels are points times the scale that all monitors share; points where they share none."""
        ids, count = (ctypes.c_uint32 * _MAX_DISPLAYS)(), ctypes.c_uint32()
        self._core.CGGetActiveDisplayList(_MAX_DISPLAYS, ids, ctypes.byref(count))
        found = [self._display(ids[index]) for index in range(count.value)]
        if not found:
            raise EnvironmentLacks("macOS tells of no active monitor; wake one up")
        scales = {scale for _, _, scale in found}
        scale = scales.pop() if len(scales) == 1 else 1
        _capture_in(_WHOLE_PIXELS if scale > 1 else _POINTS)
        return Layout(tuple(_monitor(number, box, main, scale) for number, (box, main, _) in enumerate(found, start=1)))

    def _display(self, display: int) -> tuple[Rect, bool, int]:
        """Its box in points, whether it is the main one, and its pixels per point."""
        bounds = self._core.CGDisplayBounds(display)
        mode = self._core.CGDisplayCopyDisplayMode(display)
        pixels = self._core.CGDisplayModeGetPixelWidth(mode) if mode else bounds.width
        if mode:
            self._core.CGDisplayModeRelease(mode)
        left, top = int(bounds.x), int(bounds.y)
        box = Rect(left, top, left + int(bounds.width), top + int(bounds.height))
        return box, display == self._core.CGMainDisplayID(), max(1, round(pixels / bounds.width))

    # -- what is down, and what pyautogui cannot send ---------------------------------------------------------------------------

    def keys_down(self) -> set[int]:
        return {code for code in range(_KEYS) if self._core.CGEventSourceKeyState(_SESSION_STATE, code)}

    def buttons_down(self) -> tuple[MouseButton, ...]:
        return tuple(name for name, number in _BUTTONS.items() if self._core.CGEventSourceButtonState(_SESSION_STATE, number))

    def click_again(self, button: MouseButton, down: bool, count: int, place: tuple[int, int]) -> bool:
        """Applications take the count from the event; pyautogui's events always say one."""
        event = self._core.CGEventCreateMouseEvent(None, _EVENTS[button, down], CGPoint(*place), _BUTTONS[button])
        self._core.CGEventSetIntegerValueField(event, _CLICK_STATE, count)
        self._post(event)
        return True

    def can_type(self, char: str) -> bool:
        return is_typable(char)

    def type_char(self, char: str) -> None:
        """By an event that carries the text itself: pyautogui knows the keyboard of the United States alone."""
        units = char.encode("utf-16-le")
        for down in (True, False):
            event = self._core.CGEventCreateKeyboardEvent(None, 0, down)
            self._core.CGEventKeyboardSetUnicodeString(event, len(units) // 2, units)
            self._post(event)

    def _post(self, event: int) -> None:
        self._core.CGEventPost(_HID_TAP, event)
        self._foundation.CFRelease(event)


def _monitor(number: int, points: Rect, main: bool, scale: int) -> Monitor:
    box = Rect(points.left * scale, points.top * scale, points.right * scale, points.bottom * scale)
    return Monitor(f"display-{number}", box, main, float(scale), (points.left, points.top))


def _constant(library: Any, name: str) -> ctypes.c_void_p:
    return ctypes.c_void_p.in_dll(library, name)


def _capture_in(options: int) -> None:
    """mss has no parameter for it: its documentation says to set this."""
    import mss.darwin

    mss.darwin.IMAGE_OPTIONS = options


def _not_allowed(right: str, without: str) -> EnvironmentLacks:
    settings = f"Mend: allow it for your terminal in {_SETTINGS} > {right}, then end that terminal and start it again"
    return EnvironmentLacks(f"macOS does not allow this program {right}: it {without}. {settings}")


def _declare(core: Any, services: Any, foundation: Any) -> None:
    """What ctypes would take for int: pointers, structures and truth values."""
    pointer, integer, u32, flag = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_bool
    for library, name, result, arguments in (
        (core, "CGPreflightScreenCaptureAccess", flag, ()),
        (core, "CGRequestScreenCaptureAccess", flag, ()),
        (core, "CGPreflightListenEventAccess", flag, ()),
        (core, "CGRequestListenEventAccess", flag, ()),
        (core, "CGSessionCopyCurrentDictionary", pointer, ()),
        (core, "CGGetActiveDisplayList", integer, (u32, pointer, pointer)),
        (core, "CGMainDisplayID", u32, ()),
        (core, "CGDisplayBounds", CGRect, (u32,)),
        (core, "CGDisplayCopyDisplayMode", pointer, (u32,)),
        (core, "CGDisplayModeGetPixelWidth", ctypes.c_size_t, (pointer,)),
        (core, "CGDisplayModeRelease", None, (pointer,)),
        (core, "CGEventSourceKeyState", flag, (integer, ctypes.c_uint16)),
        (core, "CGEventSourceButtonState", flag, (integer, u32)),
        (core, "CGEventCreateMouseEvent", pointer, (pointer, u32, CGPoint, u32)),
        (core, "CGEventCreateKeyboardEvent", pointer, (pointer, ctypes.c_uint16, flag)),
        (core, "CGEventKeyboardSetUnicodeString", None, (pointer, ctypes.c_ulong, ctypes.c_char_p)),
        (core, "CGEventSetIntegerValueField", None, (pointer, u32, ctypes.c_int64)),
        (core, "CGEventPost", None, (u32, pointer)),
        (services, "AXIsProcessTrustedWithOptions", flag, (pointer,)),
        (foundation, "CFDictionaryCreate", pointer, (pointer, pointer, pointer, ctypes.c_long, pointer, pointer)),
        (foundation, "CFDictionaryGetValue", pointer, (pointer, pointer)),
        (foundation, "CFBooleanGetValue", flag, (pointer,)),
        (foundation, "CFStringCreateWithCString", pointer, (pointer, ctypes.c_char_p, u32)),
        (foundation, "CFRelease", None, (pointer,)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
