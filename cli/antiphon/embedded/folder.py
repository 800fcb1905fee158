"""The data folder: everything one embedded Antiphon keeps, and what it may not share."""

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

_SECRET_BYTES = 32
_SECRETS = ("AUTH_KEY_PASSPHRASE", "MEDIA_URL_SECRET")


class CannotStartError(Exception):
    """Antiphon cannot start as asked; the message says why and what to do."""


@dataclass(frozen=True)
class DataFolder:
    """Paths below an absolute folder."""

    path: Path

    @property
    def media(self) -> Path:
        """Originals and renditions; also the root of what the gateway may send."""
        return self.path / "media"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.path / "logs"

    @property
    def lock_file(self) -> Path:
        """Locked while Antiphon runs here; says its process id and URL."""
        return self.path / "antiphon.lock"

    @property
    def secrets(self) -> Path:
        """Made at the first start, the same ever after."""
        return self.path / "secrets.json"

    @property
    def broker(self) -> Path:
        """The URL of the broker while Antiphon runs here; it may hold a password."""
        return self.path / "broker.url"

    def database_url(self, service: str) -> str:
        """Return the SQLAlchemy URL of a service's SQLite file."""
        return f"sqlite:///{self.path / f'{service}.db'}"

    @property
    def is_new(self) -> bool:
        """Whether no Antiphon has ever run here."""
        return not self.secrets.exists()


def open_folder(path: Path) -> DataFolder:
    """Make the folder if need be and check that it can be written; raises CannotStartError."""
    folder = DataFolder(Path(os.path.abspath(path.expanduser())))  # noqa: PTH100 -- keeps symlinks
    trial = folder.path / ".writable"
    try:
        folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        trial.write_bytes(b"")
        trial.unlink()
        for part in (folder.media, folder.logs):
            part.mkdir(exist_ok=True)
    except OSError as error:
        raise CannotStartError(
            f"The data folder {folder.path} cannot be written: {error.strerror}. "
            "Choose another with --data-dir, or change its permissions."
        ) from error
    return folder


def lock(folder: DataFolder, url: str) -> int:
    """Take the folder for this process; return the descriptor that holds the lock.

    Raises CannotStartError naming the process that has it.
    """
    descriptor = os.open(folder.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = lock_holder(folder)
        os.close(descriptor)
        raise CannotStartError(
            f"Antiphon already runs in {folder.path}{_told(holder)}. "
            "Stop it first, or start a second one with another --data-dir and --port."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode())
    return descriptor


def lock_holder(folder: DataFolder) -> dict[str, object] | None:
    """Return `pid` and `url` of the Antiphon that runs in the folder, None if none does."""
    try:
        with folder.lock_file.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = json.loads(file.read() or "{}")
                return holder if isinstance(holder, dict) else {}
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None


def _told(holder: dict[str, object] | None) -> str:
    return f" as process {holder['pid']} at {holder['url']}" if holder else ""


def load_secrets(folder: DataFolder) -> dict[str, str]:
    """Return the installation's secrets by environment name, made once, readable by no other."""
    path = folder.secrets
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in _SECRETS if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(_SECRET_BYTES) for name in missing}
        write_private(path, json.dumps(kept, indent=2) + "\n")
    path.chmod(0o600)
    return kept


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:  # noqa: PTH123 -- a descriptor, not a path
        file.write(text)
    unfinished.replace(path)
