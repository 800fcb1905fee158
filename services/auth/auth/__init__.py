"""Antiphon's auth service."""
