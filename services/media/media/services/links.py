"""Signed, expiring links to files: whoever has one needs nothing else to fetch them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from media.errors import LinkRefused


@dataclass(frozen=True)
class Link:
    """What a token opens: the renditions of one attempt, or the original for download."""

    asset_id: str
    attempt: int
    download: bool
    expires_at: datetime


class LinkSigner:
    """Makes and checks the tokens in media URLs."""

    def __init__(self, secret: str, ttl: timedelta) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt="antiphon.media.link")
        self._ttl = ttl

    def sign(self, asset_id: str, attempt: int, *, download: bool = False) -> tuple[str, datetime]:
        """Return a token and when it expires."""
        token = self._serializer.dumps([asset_id, attempt, int(download)])
        signed_at = self._serializer.loads(token, return_timestamp=True)[1]
        return str(token), signed_at.astimezone(UTC) + self._ttl

    def verify(self, token: str) -> Link:
        """Return what a token opens; raises LinkRefused if it is forged or expired."""
        seconds = int(self._ttl.total_seconds())
        try:
            (asset_id, attempt, download), signed_at = self._serializer.loads(
                token, max_age=seconds, return_timestamp=True
            )
        except (BadData, ValueError, TypeError):
            raise LinkRefused from None
        return Link(asset_id, attempt, bool(download), signed_at.astimezone(UTC) + self._ttl)
