"""What the API answers, as far as this command reads it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

UploadStatus = Literal["received", "described", "transcoded", "published", "failed"]


class Resource(BaseModel):
    """A body of JSON; fields that this version does not know are no error."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(Resource):
    """An account."""

    id: str
    username: str


class Tokens(Resource):
    """A token response (RFC 6749 §5.1); `expires_in` is in seconds."""

    access_token: str
    refresh_token: str
    expires_in: float


class Upload(Resource):
    """A file on its way to being a track; `status` is the last finished stage."""

    id: str
    status: UploadStatus
    track_id: str | None = None
    failure: str | None = None

    @property
    def is_welcome(self) -> bool:
        """Whether the server has the file and did not fail on it."""
        return self.status != "failed"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in {"published", "failed"}


class Uploads(Resource):
    """A page of uploads."""

    items: list[Upload]


class Track(Resource):
    """A track."""

    id: str
    title: str


class Found(Resource):
    """What a search found."""

    tracks: list[Track] = []


class PlaylistEntry(Resource):
    """A place on a playlist."""

    track_id: str


class Playlist(Resource):
    """A playlist with its first page of entries."""

    id: str
    name: str
    entries: list[PlaylistEntry] = []
