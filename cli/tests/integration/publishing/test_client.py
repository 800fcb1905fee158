import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon.client.api import AntiphonClient
from antiphon.client.errors import ApiError, ClientError, LoginError, ServerUnreachableError
from antiphon.client.retry import Retry
from antiphon.importing.transfer import hash_file

UPLOADS = "/api/v1/uploads"


def quiet(sent: int) -> None:
    pass


def test_an_expired_token_is_renewed_once_for_all_threads(client: Any, stand_in: Any) -> None:
    before = stand_in.requests.count(("POST", "/api/v1/auth/token"))
    stand_in.access.clear()
    threads = [threading.Thread(target=client.find_upload, args=("0" * 64,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stand_in.requests.count(("POST", "/api/v1/auth/token")) == before + 1
    assert stand_in.families_ended == 0


def test_a_dead_session_is_opened_again_with_the_password(client: Any, stand_in: Any) -> None:
    stand_in.access.clear()
    stand_in.refresh.clear()
    assert client.find_upload("0" * 64) is None


def test_an_upload_is_sent_again_after_its_token_was_refused(
    client: Any, stand_in: Any, fault: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "tone.mp3"
    path.write_bytes(b"tone" * 100_000)
    sha256 = hash_file(path, quiet)
    client.find_upload(sha256)
    fault("POST", UPLOADS, 401)
    assert client.upload(path, sha256, quiet).status == "received"
    assert [content for _, content, _ in stand_in.bodies] == [path.read_bytes()]


def test_metadata_travels_beside_the_file(client: Any, stand_in: Any, tmp_path: Path) -> None:
    path = tmp_path / "tone.mp3"
    path.write_bytes(b"tone")
    client.upload(path, hash_file(path, quiet), quiet, {"title": "A tone"})
    assert stand_in.bodies[0][2] == '{"title": "A tone"}'


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503])
def test_passing_trouble_is_ridden_out(
    client: AntiphonClient, fault: Callable[..., None], status: int
) -> None:
    for _ in range(3):
        fault("GET", UPLOADS, status)
    assert client.find_upload("0" * 64) is None


def test_what_was_made_without_an_answer_is_not_made_again(
    client: AntiphonClient, stand_in: Any, fault: Callable[..., None]
) -> None:
    fault("POST", "/api/v1/auth/register", after=True)
    made = client.register("bo@example.com", "bo", "long enough", "Bo")
    assert made.id == stand_in.users["bo"]["id"]
    fault("POST", "/api/v1/playlists", after=True)
    playlist = client.create_playlist("Evening", "", "key-1")
    assert list(stand_in.playlists) == [playlist.id]
    fault("POST", f"/api/v1/playlists/{playlist.id}/entries", after=True)
    client.add_to_playlist(playlist.id, ["t1"], "key-2")
    assert len(stand_in.playlists[playlist.id]["entries"]) == 1


def test_a_wrong_password_is_told_apart(stand_in: Any) -> None:
    client = AntiphonClient(stand_in.url)
    client.register("bo@example.com", "bo", "long enough", "Bo")
    with pytest.raises(LoginError, match="Wrong name or password"):
        client.log_in("bo", "something else")


def test_problems_say_what_is_wrong_with_which_field(stand_in: Any) -> None:
    client = AntiphonClient(stand_in.url)
    with pytest.raises(ApiError, match=r"not valid.*body\.password: too short.*HTTP 422.*r-1"):
        client.register("bo@example.com", "bo", "short", "Bo")


def test_a_taken_name_is_a_conflict(client: AntiphonClient) -> None:
    with pytest.raises(ApiError) as caught:
        client.register("x@example.com", "ada", "long enough", "Ada")
    assert caught.value.status == 409


def test_a_redirect_is_not_followed_but_told(
    client: AntiphonClient, fault: Callable[..., None]
) -> None:
    fault("GET", f"{UPLOADS}/1", 308, {"Location": "https://music.example.com/"})
    with pytest.raises(ApiError, match=r"https://music\.example\.com/"):
        client.get_upload("1")


def test_nobody_there_is_told_with_the_url(free_port_url: str) -> None:
    client = AntiphonClient(free_port_url, Retry(attempts=2, wait=lambda seconds: None))
    with pytest.raises(ServerUnreachableError, match=r"No answer from http://127.*refused"):
        client.log_in("ada", "x")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", ""])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ClientError, match="is not a URL"):
        AntiphonClient(url)
