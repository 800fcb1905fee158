"""Playlist's use cases, each in the transaction that its caller opened."""
