"""What can go wrong with media, in words an uploader understands."""

from common.errors import Forbidden, NotFound, ServiceError, Unavailable


class UnusableFile(ServiceError):
    """The uploaded file can never become a track; `detail` tells its owner why."""


class UploadNotFound(NotFound):
    """There is no such upload, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__("There is no upload with this id among yours.")


class AssetNotFound(NotFound):
    """There is no such asset, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__("There is no asset with this id among yours.")


class NotPlayable(NotFound):
    """There is no such track, its audio is not ready, or the caller may not hear it."""

    def __init__(self) -> None:
        super().__init__("There is no playable track with this id.")


class LinkRefused(Forbidden):
    """A signed media link is forged or over."""

    def __init__(self) -> None:
        super().__init__(
            "This media link is not valid or has expired. Ask POST /api/v1/playback/{track_id} "
            "for a new one."
        )


class FileGone(NotFound):
    """Storage has no such file (any more)."""

    def __init__(self) -> None:
        super().__init__("The file is gone.")


class StorageUnavailable(Unavailable):
    """Where files are kept does not answer, however often it was asked."""

    def __init__(self) -> None:
        super().__init__("The file storage does not answer now. Try again in a minute.")
