"""A MariaDB server of the machine's own packages, on a unix socket and with files of its own.

`python -m common.testing.mariadb` installs the packages, as root on Debian or Ubuntu.
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

HOW_TO_GET_IT = "mariadbd is not installed; on Debian or Ubuntu: apt install mariadb-server"

_START_SECONDS = 60
# Small, but as durable as the defaults: innodb_flush_log_at_trx_commit stays 1.
_SIZES = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M")


def find_mariadbd() -> str | None:
    """Return where the server's program is, or None."""
    return shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin")


def provide_mariadb() -> None:
    """Install the server's packages if it is not there; where that cannot be, say how to get it."""
    if find_mariadbd() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing mariadb-server, for tests ...", flush=True)
        if not _apt_get("install", "mariadb-server"):
            _apt_get("update")
            _apt_get("install", "mariadb-server")
    if find_mariadbd() is None:
        print(HOW_TO_GET_IT)


def _apt_get(*arguments: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "--yes", "-qq", *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def install_mariadb(data: Path) -> None:
    """Make a fresh data directory, whose root has no password; raises FileNotFoundError."""
    program = shutil.which("mariadb-install-db")
    if program is None:
        raise FileNotFoundError(HOW_TO_GET_IT)
    options = [
        *_files_options(data.parent),
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        *_SIZES,
    ]
    done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"mariadb-install-db failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


def start_mariadb(folder: Path, *further: str) -> subprocess.Popen[bytes]:
    """Start a server with its socket and log in `folder` and its data in `folder/data`.

    `further` are more of its options. Returns when it answers, after it has recovered from a crash
    if there was one. Keep the folder's path short: a socket's may have 107 characters. Raises
    RuntimeError with the end of the log.
    """
    program = find_mariadbd()
    if program is None:
        raise FileNotFoundError(HOW_TO_GET_IT)
    options = [
        *_files_options(folder),
        f"--datadir={folder}/data",
        f"--socket={folder}/mariadb.sock",
        f"--pid-file={folder}/mariadb.pid",
        "--skip-networking",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_520_ci",
        *_SIZES,
        *further,
    ]
    with (folder / "mariadb.log").open("ab") as log:
        # A session of its own: Linux shares out processors by session (sched(7), autogroup).
        process = subprocess.Popen(
            [program, *options], stdout=log, stderr=log, start_new_session=True
        )
    _wait_until_it_answers(process, folder)
    return process


def _files_options(folder: Path) -> list[str]:
    # In a shared folder, a server that starts deletes the temporary tables of all the others.
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    return ["--no-defaults", f"--tmpdir={temporary}", f"--user={getpass.getuser()}"]


def mariadb_url(folder: Path) -> str:
    """Return the SQLAlchemy URL of the server that was started in `folder`; it names no schema."""
    return f"mysql+pymysql://root@localhost/?unix_socket={folder}/mariadb.sock"


def create_schema(server_url: str, name: str) -> str:
    """Create an empty schema on a server; return its URL."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _wait_until_it_answers(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _greets(folder / "mariadb.sock"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            end = (folder / "mariadb.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"MariaDB did not start:\n{end}")
        time.sleep(0.02)


def _greets(path: Path) -> bool:
    """Say whether a server speaks first, as MySQL's protocol wants it to."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
            return bool(client.recv(1))
        except OSError:  # not there yet, or left by one that was killed
            return False


if __name__ == "__main__":
    provide_mariadb()
