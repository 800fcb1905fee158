"""What ends a deploy."""


class Stop(Exception):
    """A step failed; the text says what to do."""


class RolledBack(Stop):
    """ECS has put a service's former tasks back."""
