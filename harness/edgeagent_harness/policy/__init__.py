"""Policies: what a session may do, read from one YAML file. Pure: the app (its gate) and the supervisor both use it."""
