"""Agents: ways of working that the user has written down, one small TOML file each. The format: ``docs/agents.md``."""
