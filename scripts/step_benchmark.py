#!/usr/bin/env python3
"""`edgeagent bench step`, for those who look among the scripts: the same options, the same code. (docs/step-benchmark.md)"""

import sys

from edgeagent.cli.main import main

if __name__ == "__main__":
    sys.argv[:1] = ["edgeagent", "bench", "step"]  # as what it is, in its usage line, too
    main()
