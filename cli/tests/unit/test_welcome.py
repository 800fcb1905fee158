"""What a person is told to do next."""

import json
import shlex

from antiphon.embedded.welcome import _Login, commands

URL = "http://localhost:8080"


def test_without_a_demo_the_first_command_makes_an_account() -> None:
    register, token, profile = commands(URL, None)

    words = shlex.split(register)
    assert f"{URL}/api/v1/auth/register" in words
    account = json.loads(words[-1])
    assert f"username={account['username']} -d password={account['password']}" in token
    assert shlex.split(profile)[-1] == f"{URL}/api/v1/users/me"


def test_demo_login_is_used_where_there_is_one() -> None:
    token, *_, playback = commands(URL, _Login("demo", "s3cret_-"))

    assert "username=demo -d password=s3cret_-" in token
    assert token.startswith('AUTH="Authorization: Bearer $(')
    assert shlex.split(playback)[-2:] == ["POST", f"{URL}/api/v1/playback/$TRACK"]
