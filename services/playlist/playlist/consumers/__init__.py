"""What playlist does about other services' events: a module an upstream service."""
