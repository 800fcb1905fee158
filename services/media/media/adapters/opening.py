"""The storage that the settings name."""

from media.adapters.storage import LocalStorage
from media.ports import Storage
from media.settings import MediaSettings


def open_storage(settings: MediaSettings) -> Storage:
    """Return the storage to keep files in."""
    if settings.cloudinary_url is None:
        return LocalStorage(settings.storage_dir)
    # Imported only where it is on: the SDK takes memory of every process.
    from media.adapters.cloudinary import CloudinaryStorage
    from media.adapters.cloudinary_account import Account

    account = Account(settings.cloudinary_url.get_secret_value())
    owner = settings.url_secret.get_secret_value()
    return CloudinaryStorage(account, settings.storage_dir / "incoming", owner)
