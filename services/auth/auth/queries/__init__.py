"""Auth's read-only selects."""
