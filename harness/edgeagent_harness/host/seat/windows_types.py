"""Structures of Windows' winuser.h that `windows` passes, in ctypes."""

from __future__ import annotations

import ctypes

_KEYBOARD = 1  # INPUT_KEYBOARD
_UP, _UNICODE = 0x0002, 0x0004  # KEYEVENTF_KEYUP, KEYEVENTF_UNICODE
_DEVICE_CHARS = 32  # CCHDEVICENAME


class RECT(ctypes.Structure):
    _fields_ = [("left", ctypes.c_int32), ("top", ctypes.c_int32), ("right", ctypes.c_int32), ("bottom", ctypes.c_int32)]


class MONITORINFOEXW(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_uint32), ("monitor", RECT), ("work", RECT), ("flags", ctypes.c_uint32),
        ("device", ctypes.c_wchar * _DEVICE_CHARS),
    ]  # fmt: skip


class _KEYBDINPUT(ctypes.Structure):
    _fields_ = [
        ("key", ctypes.c_uint16), ("scan", ctypes.c_uint16), ("flags", ctypes.c_uint32), ("time", ctypes.c_uint32),
        ("extra", ctypes.c_void_p),
    ]  # fmt: skip


class _MOUSEINPUT(ctypes.Structure):
    _fields_ = [
        ("x", ctypes.c_int32), ("y", ctypes.c_int32), ("data", ctypes.c_uint32), ("flags", ctypes.c_uint32),
        ("time", ctypes.c_uint32), ("extra", ctypes.c_void_p),
    ]  # fmt: skip


class _EVENT(ctypes.Union):
    _fields_ = [("keyboard", _KEYBDINPUT), ("mouse", _MOUSEINPUT)]  # the mouse's makes it as large as Windows wants it


class INPUT(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("event", _EVENT)]


def keyboard_input(unit: int, up: bool) -> INPUT:
    """A UTF-16 code unit as a key: pressed, or released."""
    return INPUT(_KEYBOARD, _EVENT(keyboard=_KEYBDINPUT(0, unit, _UNICODE | (_UP if up else 0), 0, None)))
