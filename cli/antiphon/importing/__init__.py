"""Importing a folder of music through the public API."""
