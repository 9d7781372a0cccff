"""Real implementations of the ports for tests: no sandbox, no model, no wall clock. Public and shipped."""

from edgeagent.testing.clock import FakeClock
from edgeagent.testing.desktop import FakeDesktop
from edgeagent.testing.gate import AllowAll
from edgeagent.testing.model import ScriptedModel, as_reply
from edgeagent.testing.obedient import ObedientModel, banner_png, read_banner
from edgeagent.testing.sink import MemorySink
from edgeagent.testing.widgets import Button, Caption, Checkbox, TextField, Widget

__all__ = [
    "AllowAll",
    "Button",
    "Caption",
    "Checkbox",
    "FakeClock",
    "FakeDesktop",
    "MemorySink",
    "ObedientModel",
    "ScriptedModel",
    "TextField",
    "Widget",
    "as_reply",
    "banner_png",
    "read_banner",
]
