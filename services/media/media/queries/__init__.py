"""Media's read-only selects."""
