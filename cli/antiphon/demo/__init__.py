"""A small album of our own: composed, synthesised and published through the public API."""
