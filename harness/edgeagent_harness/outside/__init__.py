"""The supervisor, trusted: starts and ends sandboxes, settles, judges effects. Read `supervisor` first."""
