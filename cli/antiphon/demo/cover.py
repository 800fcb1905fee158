"""The cover: two choirs of rings that weave through one another, drawn row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

WIDTH = 2_000  # pixels, drawn twice as large as it is kept: that smooths the edges
Colour = tuple[int, int, int]

_SPACING = WIDTH // 16
# Half the width of a ring, and the air beside it. Together at most a quarter, and the centres an
# odd number of halves apart: so no two rings touch on the axis, where the weave changes sides.
_BODY, _GAP = _SPACING * 0.19, _SPACING * 0.06
_CENTRES = (WIDTH / 2 - _SPACING * 2.75, WIDTH / 2 + _SPACING * 2.75)
_RINGS = 8
_WARM = ((250, 214, 137), (203, 68, 74))  # the left choir, from its inmost ring to its outmost
_COOL = ((178, 235, 224), (44, 112, 158))
_NIGHT = ((19, 20, 48), (46, 26, 66))


@dataclass(frozen=True, slots=True)
class _Band:
    """What one choir shows at some distance from its centre: a ring, or the gap beside it."""

    ring: int
    body: bool


def _bands() -> list[tuple[float, _Band | None]]:
    """Return the bands of a choir from the middle outwards, each with the radius it ends at."""
    bands: list[tuple[float, _Band | None]] = []
    for ring in range(_RINGS):
        radius = (ring + 0.5) * _SPACING
        gap, body = _Band(ring, body=False), _Band(ring, body=True)
        bands += [
            (radius - _BODY - _GAP, None),
            (radius - _BODY, gap),
            (radius + _BODY, body),
            (radius + _BODY + _GAP, gap),
        ]
    return bands


_Spans = list[tuple[float, _Band | None]]  # where each begins along a row


def _blend(ends: tuple[Colour, Colour], share: float) -> Colour:
    first, last = ends
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
    return red, green, blue


_PALETTES = [
    [_blend(ends, ring / (_RINGS - 1)) for ring in range(_RINGS)] for ends in (_WARM, _COOL)
]


def _spans(centre: float, height: float) -> _Spans:
    """Cut a row, `height` pixels from the middle, into what one choir shows along it."""
    crossed = [
        (sqrt(radius**2 - height**2), band) for radius, band in _bands() if radius > abs(height)
    ]
    spans: _Spans = [(0, None)]
    spans += [(centre - reach, band) for reach, band in reversed(crossed)]
    outer = [band for _, band in crossed[1:]] + [None]
    spans += [(centre + reach, band) for (reach, _), band in zip(crossed, outer, strict=False)]
    return spans


def _shown(left: _Band | None, right: _Band | None, upper: bool, night: Colour) -> Colour:
    """Return the colour where the choirs meet: over and under by turns, as in weaving."""
    choirs = [(left, _PALETTES[0]), (right, _PALETTES[1])]
    if left and right and (left.ring + right.ring + upper) % 2:
        choirs.reverse()
    for band, palette in choirs:
        if band is not None:
            return palette[band.ring] if band.body else night
    return night


def _row(y: int) -> bytes:
    height = y + 0.5 - WIDTH / 2
    night = _blend(_NIGHT, y / WIDTH)
    row = bytearray()
    left, right = (_spans(centre, height) for centre in _CENTRES)
    for begin, end, one, other in _merged(left, right):
        row += bytes(_shown(one, other, height < 0, night)) * (end - begin)
    return bytes(row)


def _merged(left: _Spans, right: _Spans) -> Iterator[tuple[int, int, _Band | None, _Band | None]]:
    """Walk along a row: every stretch of pixels with what both choirs show there."""
    at = i = j = 0
    while at < WIDTH:
        next_left = left[i + 1][0] if i + 1 < len(left) else WIDTH
        next_right = right[j + 1][0] if j + 1 < len(right) else WIDTH
        end = min(WIDTH, max(at, round(min(next_left, next_right))))
        yield at, end, left[i][1], right[j][1]
        i, j, at = i + (next_left <= next_right), j + (next_right <= next_left), end


def pixels() -> bytes:
    """Return the picture as rows of RGB bytes, WIDTH by WIDTH."""
    return b"".join(_row(y) for y in range(WIDTH))
