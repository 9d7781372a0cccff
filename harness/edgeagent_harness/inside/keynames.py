"""Key names as models and people write them, to X keysyms. Pure."""

from __future__ import annotations

from functools import cache

_GROUPS = (
    "latin1",
    "latin2",
    "latin3",
    "latin4",
    "miscellany",
    "xf86",
    "greek",
    "cyrillic",
    "technical",
    "special",
    "publishing",
)

ALIASES = {
    "ctrl": "Control_L", "control": "Control_L", "ctrl_l": "Control_L", "ctrl_r": "Control_R", "ctrlleft": "Control_L",
    "ctrlright": "Control_R", "alt": "Alt_L", "option": "Alt_L", "altleft": "Alt_L", "altright": "Alt_R",
    "altgr": "ISO_Level3_Shift", "shift": "Shift_L", "shiftleft": "Shift_L", "shiftright": "Shift_R",
    "super": "Super_L", "cmd": "Super_L", "command": "Super_L", "win": "Super_L", "windows": "Super_L", "meta": "Super_L",
    "winleft": "Super_L", "winright": "Super_R", "fn": "XF86Fn",
    "enter": "Return", "return": "Return", "esc": "Escape", "escape": "Escape", "space": "space", "spacebar": "space",
    "tab": "Tab", "backspace": "BackSpace", "back_space": "BackSpace", "bksp": "BackSpace", "del": "Delete",
    "delete": "Delete", "ins": "Insert", "insert": "Insert", "home": "Home", "end": "End",
    "pageup": "Prior", "page_up": "Prior", "pgup": "Prior", "pagedown": "Next", "page_down": "Next", "pgdn": "Next",
    "pgdown": "Next", "up": "Up", "down": "Down", "left": "Left", "right": "Right", "arrowup": "Up", "arrowdown": "Down",
    "arrowleft": "Left", "arrowright": "Right", "uparrow": "Up", "downarrow": "Down", "leftarrow": "Left",
    "rightarrow": "Right", "capslock": "Caps_Lock", "caps_lock": "Caps_Lock", "numlock": "Num_Lock",
    "scrolllock": "Scroll_Lock", "printscreen": "Print", "prtsc": "Print", "print": "Print", "pause": "Pause",
    "menu": "Menu", "apps": "Menu", "contextmenu": "Menu", "plus": "plus", "minus": "minus", "comma": "comma",
    "dot": "period", "volumeup": "XF86AudioRaiseVolume", "volumedown": "XF86AudioLowerVolume",
    "volumemute": "XF86AudioMute",
    # The keypad's digits depend on Num Lock, and applications differ in what Shift makes of them: use the plain digits.
    **{f"kp_{digit}": digit for digit in "0123456789"}, **{f"num{digit}": digit for digit in "0123456789"},
}  # fmt: skip
"""Lower-case everyday names; every X keysym name works besides."""

_UNICODE_KEYSYM = 0x0100_0000
RETURN, TAB = 0xFF0D, 0xFF09


def char_keysym(char: str) -> int:
    """The keysym that types ``char``: Return and Tab for newline and tab, Latin-1 as itself, else the Unicode keysyms."""
    if char == "\n":
        return RETURN
    if char == "\t":
        return TAB
    code = ord(char)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else _UNICODE_KEYSYM | code


def is_typable(char: str) -> bool:
    """False for control characters and lone surrogates: no key makes them."""
    code = ord(char)
    return char in "\n\t" or not (code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE)


def normalise_newlines(text: str) -> str:
    """One newline is one press of Return."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@cache
def _load_groups() -> None:
    from Xlib import XK  # here and below: the names serve displays, too, where there is no Xlib

    for group in _GROUPS:
        XK.load_keysym_group(group)


def keysym(name: str) -> int | None:
    """The keysym that ``name`` means, or None: an everyday name, an X keysym name, ``F5``, or a single character."""
    from Xlib import XK

    _load_groups()
    if len(name) == 1:
        return char_keysym(name) if is_typable(name) else None
    canonical = ALIASES.get(name.lower(), name)
    # python-xlib spells XF86Back as XF86_Back.
    vendor = canonical.replace("XF86", "XF86_", 1) if canonical.startswith("XF86") else canonical
    for candidate in (canonical, vendor, canonical.lower(), canonical.capitalize()):
        code = XK.string_to_keysym(candidate)
        if code:
            return int(code)
    return None
