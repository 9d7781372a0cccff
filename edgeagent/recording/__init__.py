"""What a session leaves on the disk: an append-only log of events, frames by content, and everything that is made from them.

`writer` and `reader` are the ends; the formats are in ``docs/formats.md``.
"""
