"""Auth's users and sessions: void tokens as every service does, and erase what is a user's."""

from sqlalchemy.orm import Session

from common.auth.subscriptions import UserEnded, void_user
from common.auth.subscriptions import subscriptions as revocations
from common.events import Subscriptions
from playlist.services.erasure import erase_user

erasures = Subscriptions()


@erasures.on("auth.user.deleted.v1", UserEnded)
def forget_user(session: Session, event: UserEnded) -> None:
    """Refuse the user's tokens, erase what is theirs and send a receipt."""
    void_user(session, event)
    erase_user(session, event.id)


subscriptions = revocations | erasures
