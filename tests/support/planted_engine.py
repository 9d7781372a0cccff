"""An engine that gives up nothing, for `proof_rig.py`: -m edgeagent_models.serve --engine … --fd …"""

from __future__ import annotations

import sys

from edgeagent_models import serve

serve.isolate = list

if __name__ == "__main__":
    sys.argv = ["serve", *sys.argv[3:]]
    sys.exit(serve.main())
