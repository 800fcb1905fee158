"""Antiphon on the command line."""
