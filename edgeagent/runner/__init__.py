"""One run of one session around the loop of `edgeagent.loop`. Read `one_run` first.

`Runner.start` and `Runner.resume` prepare a session; `one_run.OneRun` owns its desktop, its model and its recording until the run
has ended. The other modules are its parts: `wiring` (who listens, looks on and takes over), `deciding` (which model), `attending`
(what the model is told beside questions), `foreseeing` (what it is shown early), `noting` (the sink), `resuming` (what a recorded
session goes on with).
"""

from edgeagent.runner.request import ModelChoice, RunRequest, RunResult
from edgeagent.runner.runner import Runner
from edgeagent.runner.wiring import ModelFactory, RunningDesktop

__all__ = ["ModelChoice", "ModelFactory", "RunRequest", "RunResult", "Runner", "RunningDesktop"]
