"""``python -m edgeagent``."""

from edgeagent.entry import main

main()
