"""The demo artist's login, kept in the data folder."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from antiphon.client.api import AntiphonClient
from antiphon.client.errors import ApiError, ClientError, LoginError

_FILE = "demo-login.json"


@dataclass(frozen=True, slots=True)
class Login:
    """Who the demo artist is, and the playlist made for them."""

    username: str
    email: str
    password: str
    playlist_id: str | None = None


def read_login(data_dir: Path) -> Login | None:
    """Return the login kept in a data folder, None if there is none; ClientError if unreadable."""
    path = data_dir / _FILE
    try:
        return Login(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ClientError(
            f"{path} cannot be read ({error}). Move it away to start anew."
        ) from error


def write_login(data_dir: Path, login: Login) -> None:
    """Keep a login, readable for its owner only; replaces the file in one step."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / _FILE
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(asdict(login), stream, indent=2)
    draft.replace(path)


def enter(client: AntiphonClient, data_dir: Path) -> Login:
    """Log in as the demo artist, with a new account if need be; LoginError if the name is taken."""
    login = read_login(data_dir)
    if login is None:
        login = Login("demo", "demo@example.com", secrets.token_urlsafe(18))
        # Before the account is made: an interruption must not lose its password.
        write_login(data_dir, login)
    try:
        client.log_in(login.username, login.password)
    except LoginError:
        _register(client, login, data_dir)
        client.log_in(login.username, login.password)
    return login


def _register(client: AntiphonClient, login: Login, data_dir: Path) -> None:
    try:
        client.register(login.email, login.username, login.password, "The Answering Choirs")
    except ApiError as error:
        if error.status == 409:
            raise LoginError(
                f"{client.url} has a user `{login.username}` whose password is not the one in "
                f"{data_dir / _FILE}: was the demo made with another --data-dir?"
            ) from error
        raise
