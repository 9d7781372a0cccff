"""Words of options that several commands share. Imports nothing: `--help` must stay quick."""

from __future__ import annotations

POLICY_CHOICES = "locked|web|offline|FILE"
POLICY_HELP = "Profile or policy file; locked if none is given. See `edgeagent policy list`."

MODES = ("plan", "ask", "bounded", "auto")
_MODE_HELP = (
    "What becomes of actions that no rule of the policy decides: plan looks and never acts, ask asks, bounded denies, auto allows"
)
MODE_HELP = f"{_MODE_HELP}; default: as the policy says, auto without one."
RESUME_MODE_HELP = f"{_MODE_HELP}; for this run alone; default: as the session began."
