"""Administration at the machine: `python -m auth.admin create --email … --username …`.

The password comes on standard input, one line.
"""

import argparse
import sys

from pydantic import ValidationError

from auth.http.schemas import Registration
from auth.models import Role
from auth.services.accounts import register_user
from auth.services.keys import rotate_signing_key
from auth.services.passwords import hash_password
from auth.settings import AuthSettings
from common.errors import ServiceError
from common.events import open_database
from common.settings import load


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
        account = _read_account(arguments.email, arguments.username)
        try:
            user = register_user(
                session,
                email=account.email,
                username=account.username,
                password_hash=hash_password(account.password.get_secret_value()),
                display_name=None,
                roles=[Role.LISTENER, Role.ARTIST, Role.ADMIN],
            )
        except ServiceError as error:
            raise SystemExit(error.detail) from error
    print(f"Administrator {user.username} ({user.id}) can log in now.")


def _read_account(email: str, username: str) -> Registration:
    """Hold an administrator to what registration asks of everybody."""
    given = {"email": email, "username": username, "password": sys.stdin.readline().rstrip("\n")}
    try:
        return Registration.model_validate(given)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise SystemExit("\n".join(["The account cannot be made:", *wrong])) from None


if __name__ == "__main__":
    main()
