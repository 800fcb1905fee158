"""Antiphon's playlist service."""
