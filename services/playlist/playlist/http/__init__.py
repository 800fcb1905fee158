"""Playlist over HTTP: a module a resource."""
