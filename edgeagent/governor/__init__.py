"""Watches all running sessions of the user and stops those that break the rules which hold for them together."""
