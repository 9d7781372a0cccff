"""Keeps a sandbox's home as it was after each step, and gives it back: what fork and rewind stand on."""
