"""All errors of edgeagent.

EdgeAgentError
├── UsageError                 bad argument, setting or file; exit code 2
├── EnvironmentProblem         something this machine lacks; exit code 3
│   ├── SandboxRefused         a containment layer is missing
│   ├── LedgerLost             a backend's database does not answer
│   └── OutputLost             standard output cannot be written
│       └── ReaderGone         whoever read it has gone
├── WorkerLost                 a process or machine that worked for this one is gone
├── DesktopError               the screen or the hands
│   └── DesktopLost            the sandbox died; the app restarts it
│       ├── PolicyStopped      a violation of its policy ended it; it is not restarted
│       └── StoppedAtDesktop   the user stopped it at the desktop itself (host mode)
├── EngineError                the model's process
│   ├── EngineLost             it died; the watchdog restarts it
│   ├── ModelUnusable          the file is no model that this engine can run
│   └── ContextFull            the prompt does not fit
├── EgressDenied               the policy does not let this program reach that host; exit code 5
│   └── EgressUnreachable      it does, and nothing answers there
├── ReplyMalformed             the model's reply is no action; told to the model
├── RecordingError             the session on disk
│   ├── RecordingFull          no room, or not writable
│   ├── RecordingDamaged       a line or frame does not match its hash
│   └── RecordingTooNew        written by a later version; read-only
├── SessionError
│   ├── SessionNotFound
│   └── SessionBusy            another process owns it
├── TeleportError              a session could not be moved
│   ├── TeleportRefused        offline mode, or the policy says `teleport: deny`; exit code 5
│   ├── NotOwner               the session belongs to another machine
│   └── BundleRefused          a bundle that is damaged, forged, or no bundle
└── Stopped                    the user or a limit ended the run
"""

from __future__ import annotations


class EdgeAgentError(Exception):
    """Base of all errors raised on purpose. ``hint`` says what to do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(EdgeAgentError):
    """A bad argument, setting or file."""

    exit_code = 2


class EnvironmentProblem(EdgeAgentError):
    """Something that this machine lacks."""

    exit_code = 3


class SandboxRefused(EnvironmentProblem):
    """A containment layer is missing, and was not accepted by name."""


class LedgerLost(EnvironmentProblem):
    """A backend's database does not answer, or not in time. What was asked of it may be asked again."""


class OutputLost(EnvironmentProblem):
    """Standard output cannot be written: the disk behind it is full, for example."""


class ReaderGone(OutputLost):
    """Whoever read standard output has gone (``| head``). Nothing is said, as nobody asked for more; what ran is stopped."""

    exit_code = 130


class WorkerLost(EdgeAgentError):
    """A process elsewhere that worked for this one, or its machine, is gone."""

    exit_code = 3


class DesktopError(EdgeAgentError):
    """The screen could not be read or acted on."""

    exit_code = 3


class DesktopLost(DesktopError):
    """The sandbox died."""


class PolicyStopped(DesktopLost):
    """A violation of its policy, or a limit in it, ended the sandbox."""

    exit_code = 5


class StoppedAtDesktop(DesktopLost):
    """The user stopped it at the desktop itself: by the stop key, or by throwing the pointer into a corner."""

    exit_code = 130


class EngineError(EdgeAgentError):
    """The engine could not serve a request."""

    exit_code = 3


class EngineLost(EngineError):
    """The engine's process died."""


class ModelUnusable(EngineError):
    """The file is no model that this engine can run."""

    exit_code = 2


class ContextFull(EngineError):
    """The prompt does not fit into the model's context."""


class EgressDenied(EdgeAgentError):
    """The policy does not let this program itself reach that host."""

    exit_code = 5


class EgressUnreachable(EgressDenied):
    """It does, and nothing answers there."""

    exit_code = 3


class ReplyMalformed(EdgeAgentError):
    """The model's reply is no action. The model is told and tries again."""


class RecordingError(EdgeAgentError):
    """The session on disk could not be written or read."""

    exit_code = 3


class RecordingFull(RecordingError):
    """No room left, or the directory is not writable."""


class RecordingDamaged(RecordingError):
    """A line or a frame does not match its hash."""


class RecordingTooNew(RecordingError):
    """Written by a later version of edgeagent; it can be read, not changed."""


class SessionError(EdgeAgentError):
    """A session cannot be used as asked."""

    exit_code = 2


class SessionNotFound(SessionError):
    """No session has this id."""


class SessionBusy(SessionError):
    """Another process owns the session."""


class TeleportError(EdgeAgentError):
    """A session could not be moved to or from another machine; whose it is stays clear."""

    exit_code = 3


class TeleportRefused(TeleportError):
    """Offline mode, or the session's policy, forbids that it leaves this machine."""

    exit_code = 5


class NotOwner(TeleportError):
    """The session belongs to another machine, or did not belong to the one that asks any more."""

    exit_code = 2


class BundleRefused(TeleportError):
    """A bundle that is damaged, forged, or no bundle: nothing of it was taken."""

    exit_code = 2


class Stopped(EdgeAgentError):
    """The user or a limit ended the run."""

    exit_code = 5
