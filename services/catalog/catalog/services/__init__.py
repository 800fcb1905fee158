"""Catalog's use cases: each works inside the transaction that its caller opened."""
