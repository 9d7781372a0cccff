"""Secrets: resolved at the last moment, typed by reference, found and taken out of whatever is written down or shown."""
