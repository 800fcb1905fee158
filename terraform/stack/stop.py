"""What ends a deploy."""


class Stop(Exception):
    """A step failed; the text says what to do."""
