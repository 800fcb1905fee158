"""Playlist's read-only selects."""
