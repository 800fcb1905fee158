"""Mechanism shared by the services: never meaning, never a music noun."""
