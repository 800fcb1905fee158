"""`antiphon demo` from the first note to the playlist."""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from antiphon.client.api import AntiphonClient
from antiphon.client.errors import ApiError, ClientError
from antiphon.client.resources import Playlist
from antiphon.client.retry import Retry
from antiphon.demo.album import ALBUM, ARTIST, make_album
from antiphon.demo.login import Login, enter, write_login
from antiphon.ffmpeg import EncodingError
from antiphon.importing.display import choose_display
from antiphon.importing.report import Outcome
from antiphon.importing.run import Import, wait_unless_stopped
from antiphon.importing.session import print_report

_LIKED = 5  # "Antiphon", the last of the six
_SETTLE_SECONDS = 60.0


def publish_demo(url: str, data_dir: Path) -> int:
    """Make and publish the demo album as far as that is still to do; returns 0, 1 or 130."""
    console = Console(highlight=False)
    try:
        return _publish(console, url, data_dir)
    except (ClientError, EncodingError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. Run `antiphon demo` again to go on.")
        return 130


def _publish(console: Console, url: str, data_dir: Path) -> int:
    stop = threading.Event()
    client = AntiphonClient(url, Retry(wait=wait_unless_stopped(stop)))
    login = enter(client, data_dir)
    folder = data_dir / "demo"
    files = make_album(folder, lambda title: console.print(f"composed  {title}"))
    with choose_display(console, folder, len(files)) as display:
        report = Import(client, files, display, stop=stop).run()
    if report.exit_code:
        print_report(console, report, folder)
        return report.exit_code
    track_ids = [report.results[path].track_id or "" for path in files]
    _until_known(lambda: client.like(track_ids[_LIKED]))
    playlist = _playlist(client, login, data_dir)
    missing = [each for each in track_ids if each not in {e.track_id for e in playlist.entries}]
    if missing:
        key = str(uuid.uuid4())  # new at each run: somebody may have taken the tracks off again
        _until_known(lambda: client.add_to_playlist(playlist.id, missing, key))
    new = report.counts()[Outcome.PUBLISHED]
    _print_summary(console, client.url, login, data_dir, new=new, total=len(files))
    return 0


def _playlist(client: AntiphonClient, login: Login, data_dir: Path) -> Playlist:
    """Return the demo playlist; made again if somebody deleted it."""
    if login.playlist_id is not None:
        try:
            return client.get_playlist(login.playlist_id)
        except ApiError as error:
            if error.status != 404:
                raise
    # The same key until the next line is done: an interruption does not leave two playlists.
    key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{login.email} {login.playlist_id}"))
    made = client.create_playlist(ALBUM, f"The whole demo album by {ARTIST}.", key)
    write_login(data_dir, replace(login, playlist_id=made.id))
    return made


def _until_known(act: Callable[[], None]) -> None:
    """Do what needs the new tracks: other services hear of them a moment after the catalog."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        try:
            return act()
        except ApiError as error:
            if error.status not in {404, 422} or time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _print_summary(
    console: Console, url: str, login: Login, data_dir: Path, *, new: int, total: int
) -> None:
    console.print(
        f"{total} tracks of {ALBUM} are published, {new} of them now; one is liked, and all are on "
        f"the playlist {ALBUM}.\n"
        f"Log in at {url} as {login.username}; the password is in {data_dir}/demo-login.json.",
        markup=False,
        soft_wrap=True,
    )
