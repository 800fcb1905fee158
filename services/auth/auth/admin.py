"""Administration at the machine: `python -m auth.admin create --email … --username …`.

The password comes on standard input, one line. Where there is none, as in a task of ECS, somebody
registers first: `python -m auth.admin promote --username …`.
"""

import argparse
import sys

from pydantic import ValidationError
from sqlalchemy.orm import Session

from auth.http.schemas import Registration
from auth.models import Role
from auth.queries.users import find_by_login
from auth.services.accounts import change_account, register_user
from auth.services.keys import rotate_signing_key
from auth.services.passwords import hash_password
from auth.settings import AuthSettings
from common.errors import ServiceError
from common.events import open_database
from common.settings import load


def main() -> None:
    """Run one administrative command."""
    arguments = _parser().parse_args()
    settings = load(AuthSettings)
    with open_database("auth", settings).transaction() as session:
        match arguments.command:
            case "create":
                said = _create(session, arguments.email, arguments.username)
            case "promote":
                said = _promote(session, arguments.username)
            case _:
                key_id = rotate_signing_key(session, settings.key_passphrase.get_secret_value())
                said = f"Signing with key {key_id} within half a minute."
    print(said)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m auth.admin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make an account with the role admin")
    create.add_argument("--email", required=True)
    create.add_argument("--username", required=True)
    promote = commands.add_parser("promote", help="give an account the role admin")
    promote.add_argument("--username", required=True, help="or the address it was registered with")
    commands.add_parser("rotate-key", help="sign with a new key from now on; nobody is logged out")
    return parser


def _create(session: Session, email: str, username: str) -> str:
    account = _read_account(email, username)
    try:
        user = register_user(
            session,
            email=account.email,
            username=account.username,
            password_hash=hash_password(account.password.get_secret_value()),
            display_name=None,
            roles=list(Role),
        )
    except ServiceError as error:
        raise SystemExit(error.detail) from error
    return f"Administrator {user.username} ({user.id}) can log in now."


def _promote(session: Session, login: str) -> str:
    user = find_by_login(session, login)
    if user is None:
        raise SystemExit(f"Nobody is registered as {login}.")
    change_account(session, user.id, roles=list(Role), enabled=None)
    return f"{user.username} ({user.id}) is an administrator from the next login on."


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
