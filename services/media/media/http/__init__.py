"""Media over HTTP: a module a resource."""
