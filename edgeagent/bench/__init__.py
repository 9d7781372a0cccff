"""Benchmarks: task suites (`suite`, `episode`, `miniwob`) and what a step costs (`step`)."""
