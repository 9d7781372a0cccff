"""Errors of the harness. `code` is what the app maps to its own tree (see ``protocol.messages.Failed``)."""

from __future__ import annotations

from typing import Literal

FailureCode = Literal["usage", "environment", "desktop_lost", "violation", "stopped", "protocol", "internal"]


class HarnessError(Exception):
    """Base of all errors that the harness raises on purpose."""

    code: FailureCode = "internal"


class UsageProblem(HarnessError):
    """A bad setting, policy or path: what, where, what to do."""

    code: FailureCode = "usage"


class EnvironmentLacks(HarnessError):
    """Something that this machine lacks; the message ends with its mend."""

    code: FailureCode = "environment"


class SandboxGone(HarnessError):
    """The sandbox, or a process in it that everything needs, has died."""

    code: FailureCode = "desktop_lost"


class PolicyViolated(SandboxGone):
    """The sandbox was ended because its policy, or a limit in it, was violated."""

    code: FailureCode = "violation"


class PeerMisbehaved(HarnessError):
    """A process inside sent something that the protocol does not allow; the sandbox is ended."""

    code: FailureCode = "desktop_lost"
