"""Catalog's read-only selects: Core rows made into what the API shows."""
