"""Mechanism shared by the services: never what it is about."""
