"""Antiphon's media service."""
