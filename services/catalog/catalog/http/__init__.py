"""Catalog over HTTP: a module a resource."""
