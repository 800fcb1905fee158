"""What catalog does about other services' events: a module an upstream service."""
