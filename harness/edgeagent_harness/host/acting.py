"""The memory that the executor writes and the guardian reads: when something was done last."""

from __future__ import annotations

import struct

ACTING = struct.Struct("<d")
"""Seconds of the monotonic clock, which all processes of a machine share."""
