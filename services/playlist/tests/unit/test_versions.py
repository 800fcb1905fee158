import pytest

from playlist.http.schemas import IfMatch
from playlist.http.versions import expected_versions


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", None),
        (' "7" ', {7}),
        ('"7-0a1b2c"', {7}),
        ('"7-0a1b2c", "8"', {7, 8}),
        # Weak tags never match here (RFC 9110 §13.1.1), nor does what was never a tag of ours.
        ('W/"7"', set()),
        ("7", set()),
        ('"other"', set()),
        ("", set()),
    ],
)
def test_if_match_is_read_as_versions(header: str | None, versions: set[int] | None) -> None:
    assert expected_versions(IfMatch.model_validate({"If-Match": header})) == versions
