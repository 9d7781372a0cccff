"""``python -m edgeagent_models.peers --engine chat-handler|server --fd N``: another program behind the engines' protocol."""

from __future__ import annotations

import argparse
import socket
import sys

from edgeagent_models.handler import EngineHandler
from edgeagent_models.isolation import isolate
from edgeagent_models.serve import Shell


def make_handler(engine: str) -> EngineHandler:
    if engine == "server":
        from edgeagent_models.peers.server import ServerHandler

        return ServerHandler()
    from edgeagent_models.peers.chat_handler import ChatHandler

    return ChatHandler()


def main() -> int:
    parser = argparse.ArgumentParser(prog="edgeagent_models.peers", description="Another program's engine, for comparison.")
    parser.add_argument("--engine", choices=["chat-handler", "server"], required=True)
    parser.add_argument("--fd", type=int, required=True, help="a connected stream socket")
    arguments = parser.parse_args()
    # llama.cpp's server always listens: here on a socket file, in a network namespace without a way out.
    missing_layers = isolate(sockets=arguments.engine == "server")
    with socket.socket(fileno=arguments.fd) as connection:
        Shell(connection, make_handler(arguments.engine), missing_layers).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
