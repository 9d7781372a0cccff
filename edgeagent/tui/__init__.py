"""The terminal app. It renders events and sends commands; the work itself goes on in a thread and in processes of its own."""

import os

# Until then a lone Esc byte may be the beginning of another key. Textual reads it when it is imported; its 100 ms are all that
# a stop may take.
os.environ.setdefault("ESCDELAY", "20")
