"""Engines behind one protocol: llama.cpp, ONNX perception, the embedded policy. Each runs in a process of its own."""

import os

# ONNX Runtime reports its use to its maker, and keeps an identifier of the machine in the user's cache, unless this is set before
# it is imported. An engine has no network, so it would only try; scripts and tests that import it would not.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
