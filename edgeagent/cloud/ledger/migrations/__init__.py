"""Numbered, append-only: one that was released is never edited or removed."""
