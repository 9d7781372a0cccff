"""The egress broker: a process of its own that every connection to elsewhere goes through. How it decides: ``docs/egress.md``."""
