"""Auth over HTTP: a module a resource."""
