"""Models on this machine, and how they get there: pulled from a hub, imported from a file, removed."""
