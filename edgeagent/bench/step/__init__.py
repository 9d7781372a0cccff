"""The step benchmark: what one step costs on this machine, phase by phase. See ``docs/step-benchmark.md``."""
