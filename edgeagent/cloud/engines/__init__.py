"""Where workers run: in processes of this machine, or on a Ray cluster. One interface, which `pool` works with."""

from edgeagent.cloud.engines.port import Engine, Worker

__all__ = ["Engine", "Worker"]
