import pytest

from catalog.models import Role
from catalog.services.credits import UNKNOWN_ARTIST, read_artist_tag


@pytest.mark.parametrize(
    ("tag", "primary", "featured"),
    [
        ("Queen", ["Queen"], []),
        ("Queen; David Bowie", ["Queen", "David Bowie"], []),
        ("Queen / David Bowie", ["Queen", "David Bowie"], []),
        ("AC/DC", ["AC/DC"], []),
        ("Earth, Wind & Fire", ["Earth, Wind & Fire"], []),
        ("Santana feat. Rob Thomas", ["Santana"], ["Rob Thomas"]),
        ("Santana (ft. Rob Thomas)", ["Santana"], ["Rob Thomas"]),
        ("Mark Ronson Featuring A, B & C", ["Mark Ronson"], ["A", "B", "C"]),
        ("Defeat", ["Defeat"], []),
        ("Little Feat", ["Little Feat"], []),
        ("Queen; queen; QUEEN", ["Queen"], []),
        ("", [UNKNOWN_ARTIST], []),
        (None, [UNKNOWN_ARTIST], []),
        (" ; ", [UNKNOWN_ARTIST], []),
    ],
)
def test_an_artist_tag_is_split(tag: str | None, primary: list[str], featured: list[str]) -> None:
    specs = read_artist_tag(tag)
    assert [s.name for s in specs if s.role is Role.PRIMARY] == primary
    assert [s.name for s in specs if s.role is Role.FEATURED] == featured
