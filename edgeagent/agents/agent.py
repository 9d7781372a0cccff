"""What an agent is, as data: the keys of its file, and what is recorded with a session that works as it. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

AgentMode = Literal["", "plan", "ask", "bounded", "auto"]
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class AgentLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """``[limits]``: bounds on one session; 0 (left away): as without the agent."""

    max_steps: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    """Actions at most."""
    timeout_s: Annotated[float, msgspec.Meta(ge=0, le=10**9)] = 0.0
    """Wall time of one run, seconds."""
    max_tokens: _Count = 0
    max_typed_characters: _Count = 0
    max_files_written: _Count = 0
    """These three as in a policy's ``gate.limits``; of both the smaller one holds."""


class AgentStart(msgspec.Struct, frozen=True, omit_defaults=True):
    """``[start]``: what stands on the desktop when the run begins."""

    apps: tuple[str, ...] = ()
    """Commands, as for ``--app``."""
    url: str = ""
    home: str = ""
    """Host directory that becomes the sandbox's home; a relative one counts from the agent's file."""


class Agent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One agent. All but the first two fields are the keys of its file."""

    name: str = ""
    """Of the file, without ``.toml``."""
    source: str = ""
    """Absolute path of the file that it was read from."""
    description: str = ""
    prompt: str = ""
    """Goes behind the system prompt of the model's family."""
    model: str = ""
    mmproj: str = ""
    family: str = ""
    mode: AgentMode = ""
    """The gate's mode at the least: it is never one that permits more than the policy's."""
    policy: str = ""
    """A profile, or a file; a relative one counts from the agent's file."""
    actions: tuple[str, ...] = ()
    """The kinds of action that may be done; empty: all. What does nothing to the desktop always may."""
    ask: tuple[str, ...] = ()
    """The kinds of action that the user is asked before, whatever the mode."""
    limits: AgentLimits = AgentLimits()
    start: AgentStart = AgentStart()

    @property
    def told(self) -> str:
        """What the model is told of it, behind its system prompt."""
        only = f"Only these actions are permitted, others are refused: {', '.join(self.actions)}." if self.actions else ""
        return "\n".join(filter(None, (self.prompt.strip(), only)))
