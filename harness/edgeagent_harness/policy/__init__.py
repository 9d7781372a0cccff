"""Policies: what a session may do, read from one YAML file. Pure: both the app (the gate) and the supervisor (the kernel) use it."""
