"""Administration at the machine: `python -m auth.admin create --email … --username …`.

The password comes on standard input, one line.
"""

import argparse
import sys

from auth.models import Role
from auth.services.accounts import register_user
from auth.services.keys import rotate_signing_key
from auth.services.passwords import hash_password
from auth.settings import AuthSettings
from common.errors import ServiceError
from common.events import open_database
from common.settings import load

_SHORTEST_PASSWORD = 8


def main() -> None:
    """Run one administrative command."""
    parser = argparse.ArgumentParser(prog="python -m auth.admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make an account with the role admin")
    create.add_argument("--email", required=True)
    create.add_argument("--username", required=True)
    commands.add_parser("rotate-key", help="sign with a new key from now on; nobody is logged out")
    arguments = parser.parse_args()
    settings = load(AuthSettings)
    with open_database("auth", settings).transaction() as session:
        if arguments.command == "rotate-key":
            key_id = rotate_signing_key(session, settings.key_passphrase.get_secret_value())
            print(f"Signing with key {key_id} within half a minute.")
            return
        try:
            user = register_user(
                session,
                email=arguments.email,
                username=arguments.username,
                password_hash=hash_password(_read_password()),
                display_name=None,
                roles=[Role.LISTENER, Role.ARTIST, Role.ADMIN],
            )
        except ServiceError as error:
            raise SystemExit(error.detail) from error
    print(f"Administrator {user.username} ({user.id}) can log in now.")


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\n")
    if len(password) < _SHORTEST_PASSWORD:
        raise SystemExit(f"The password needs at least {_SHORTEST_PASSWORD} characters.")
    return password


if __name__ == "__main__":
    main()
