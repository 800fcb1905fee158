"""What to do next, printed when Antiphon is ready: commands that work as they stand."""

import json
from dataclasses import dataclass
from pathlib import Path

from antiphon.supervisor.plan import Plan

# Written by `antiphon demo`, read here without its imports: the supervisor stays small.
_DEMO_LOGIN = "demo-login.json"
_JSON = "-H 'Content-Type: application/json'"
_FIELD = "python3 -c 'import json, sys; print(json.load(sys.stdin)[{}])'"


@dataclass(frozen=True, slots=True)
class _Login:
    username: str
    password: str


def welcome(plan: Plan) -> list[str]:
    """Return the lines that show where to go, and what to type in another terminal."""
    login = _demo_login(Path(plan.data_dir))
    lines = ["", f"  Documentation: {plan.url}/docs"]
    if login:
        lines.append(f"  Demo login:    {login.username}, password {login.password}")
    lines += ["  In another terminal:", "", *commands(plan.url, login), ""]
    return [*lines, "  Ctrl-C stops everything.", ""]


def commands(url: str, login: _Login | None) -> list[str]:
    """Return shell commands: log in and play a track of the demo, or register without one."""
    get = 'curl -sw "\\n" -H "$AUTH"'
    if login is None:
        new = {
            "email": "first@example.org",
            "username": "first",
            "password": "correct-horse-battery",
        }
        register = f"curl -sw '\\n' {url}/api/v1/auth/register {_JSON} -d '{json.dumps(new)}'"
        login = _Login(new["username"], new["password"])
        return [register, _token(url, login), f"{get} {url}/api/v1/users/me"]
    first_track = _FIELD.format('"items"][0]["id"')
    return [
        _token(url, login),
        f"{get} '{url}/api/v1/search?q=antiphon'",
        f"TRACK=$({get} '{url}/api/v1/tracks?limit=1' | {first_track})",
        f"{get} -X POST {url}/api/v1/playback/$TRACK",
    ]


def _token(url: str, login: _Login) -> str:
    form = f"-d grant_type=password -d username={login.username} -d password={login.password}"
    ask = f"curl -s {url}/api/v1/auth/token {form}"
    token = _FIELD.format('"access_token"')
    return f'AUTH="Authorization: Bearer $({ask} | {token})"'


def _demo_login(data_dir: Path) -> _Login | None:
    try:
        kept = json.loads((data_dir / _DEMO_LOGIN).read_text())
        return _Login(kept["username"], kept["password"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
