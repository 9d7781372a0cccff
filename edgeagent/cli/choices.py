"""Words of options that several commands share. Imports nothing: `--help` must stay quick."""

from __future__ import annotations

POLICY_CHOICES = "locked|web|offline|FILE"
POLICY_HELP = "Profile or policy file; locked if none is given. See `edgeagent policy list`."
