"""What the services' tests share: a pytest plugin and the pieces behind it."""
