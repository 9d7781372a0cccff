"""Key names as models and people write them, to pyautogui's. Pure."""

from __future__ import annotations

from edgeagent_harness.inside.keynames import ALIASES

_BY_KEYSYM = {
    "Control_L": "ctrl", "Control_R": "ctrlright", "Alt_L": "alt", "Alt_R": "altright", "ISO_Level3_Shift": "altright",
    "Shift_L": "shift", "Shift_R": "shiftright", "Super_L": "win", "Super_R": "winright", "Return": "enter",
    "KP_Enter": "enter", "Escape": "esc", "BackSpace": "backspace", "Prior": "pageup", "Next": "pagedown",
    "Page_Up": "pageup", "Page_Down": "pagedown", "Caps_Lock": "capslock", "Num_Lock": "numlock",
    "Scroll_Lock": "scrolllock", "Print": "printscreen", "Menu": "apps", "plus": "+", "minus": "-", "comma": ",",
    "period": ".", "XF86Fn": "fn", "XF86AudioRaiseVolume": "volumeup", "XF86AudioLowerVolume": "volumedown",
    "XF86AudioMute": "volumemute",
}  # fmt: skip


def pyautogui_name(name: str) -> str:
    """What pyautogui calls the key ``name``; a name that it may not know comes back in lower case."""
    if len(name) == 1:
        return name
    keysym = ALIASES.get(name.lower(), name)
    if len(keysym) == 1:
        return keysym
    return next((found for wanted, found in _BY_KEYSYM.items() if wanted.lower() == keysym.lower()), keysym.lower())
