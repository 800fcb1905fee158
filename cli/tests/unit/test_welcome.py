"""What a person is told to do next."""

import shlex

from antiphon.embedded.welcome import _Login, commands

URL = "http://localhost:8080"


def test_without_a_demo_the_first_command_makes_an_account() -> None:
    first, *rest = commands(URL, None)

    words = shlex.split(first)
    assert f"{URL}/api/v1/auth/register" in words
    assert words[-1].startswith('{"email"')
    assert len(rest) == 3


def test_demo_login_is_used_where_there_is_one() -> None:
    token, tracks, _search = commands(URL, _Login("demo", "s3cret_-"))

    assert "username=demo -d password=s3cret_-" in token
    assert token.startswith('AUTH="Authorization: Bearer $(')
    assert shlex.split(tracks) == ["curl", "-s", "-H", "$AUTH", f"{URL}/api/v1/tracks"]
