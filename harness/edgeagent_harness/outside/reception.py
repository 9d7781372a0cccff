"""The app's first messages to a supervisor: which desktop it is to be, the sandbox's or the user's own."""

from __future__ import annotations

import os
import socket
import sys

import msgspec

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.protocol import messages, stream

NEEDS_LINUX = "the sandbox needs Linux. Mend: run edgeagent in a Linux virtual machine"


def serve(app: socket.socket) -> int:
    """Serve the app at the other end of ``app`` until it is done."""
    decoder: msgspec.msgpack.Decoder[messages.Request] = msgspec.msgpack.Decoder(messages.Request)
    receiver = stream.Receiver(app, decoder)
    while (received := receiver.receive()) is not None:
        request = received[0]
        match request:
            case messages.Hello(version=version) if version == messages.PROTOCOL_VERSION:
                stream.send(app, messages.Welcome(request.id, messages.PROTOCOL_VERSION, os.getpid()))
            case messages.Hello(version=version):
                text = f"the app speaks version {version}, the harness {messages.PROTOCOL_VERSION}; install matching ones"
                stream.send(app, messages.Failed(request.id, "protocol", text))
            case messages.Start(spec=messages.DesktopSpec(host=messages.HostSpec() as host)):
                from edgeagent_harness.host import serving  # here: a sandbox needs none of it

                return serving.serve(app, request, host)
            case messages.Start() if sys.platform != "linux":
                stream.send(app, messages.Failed(request.id, EnvironmentLacks.code, NEEDS_LINUX))
            case messages.Start():
                from edgeagent_harness.outside import session  # here: the user's own desktop needs no sandbox

                return session.serve_desktop(app, request)
            case messages.Close():
                stream.send(app, messages.Done(request.id))
                return 0
            case _:
                stream.send(app, messages.Failed(request.id, "protocol", "start comes first"))
    return 0
