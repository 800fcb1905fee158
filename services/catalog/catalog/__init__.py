"""Antiphon's catalog service."""
