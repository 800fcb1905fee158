"""Where entries stand: sort keys with gaps between them.

Gapped integers rather than dense positions (an insert would rewrite every later row) or fractional
strings (they grow without bound and need the same occasional repair): a key is 8 bytes, sorts the
same on every database, and an insert or a move writes one row. A gap of 2**32 takes 32 inserts at
one spot before the entries after it must make room, which is two statements.
"""

GAP = 2**32
"""Distance between neighbours that were appended."""
BEYOND = 2**62
"""Added to a key, takes it past every key in use (those stay far below 2**61)."""


def spread(left: int | None, right: int | None, count: int) -> list[int] | None:
    """Return `count` ascending keys between two neighbours; None stands for an open end.

    Returns None when there is not enough room between them.
    """
    if right is None:
        start = 0 if left is None else left + GAP
        return [start + GAP * index for index in range(count)]
    if left is None:
        return [right - GAP * (count - index) for index in range(count)]
    step = (right - left) // (count + 1)
    return [left + step * (index + 1) for index in range(count)] if step else None
