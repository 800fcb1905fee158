"""A real gateway and small real upstreams for tests."""
