import io
import socket
import threading
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from common.db import Database, new_id
from common.jobs.tables import job

MakeAudio = Callable[..., Path]

pytestmark = pytest.mark.usefixtures("no_leftovers")


def _files(storage_dir: Path) -> list[str]:
    return [p.name for p in storage_dir.rglob("*") if p.is_file()]


def test_the_same_bytes_are_the_same_upload(
    upload: Any, make_audio: MakeAudio, storage_dir: Path, database: Database, run_jobs: Any
) -> None:
    audio = make_audio("a.mp3", seconds=1)
    first = upload(audio)
    again = upload(audio, "other name.mp3")
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json == first.json
    run_jobs()
    done = upload(audio)
    assert (done.status_code, done.json["status"]) == (200, "transcoded")
    somebody_else = upload(audio, user_id=new_id())
    assert somebody_else.status_code == 202
    assert somebody_else.json["asset_id"] != first.json["asset_id"]
    with database.reading() as session:
        assert len(session.execute(select(job.c.id)).all()) == 3


def test_the_same_bytes_at_once_are_one_upload(
    app: Any, bearer: Any, make_audio: MakeAudio, database: Database
) -> None:
    content, headers = make_audio("a.mp3", seconds=1).read_bytes(), bearer()
    at_once, answers = threading.Barrier(5), []

    def send() -> None:
        form = {"file": (io.BytesIO(content), "a.mp3")}
        at_once.wait(timeout=10)
        answers.append(app.test_client().post("/api/v1/uploads", data=form, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [202]
    assert len({answer.json["id"] for answer in answers}) == 1
    with database.reading() as session:
        kinds = session.scalars(select(job.c.kind)).all()
    # What the others had stored, if they got so far, is deleted.
    assert kinds.count("media.describe") == 1
    assert set(kinds) <= {"media.describe", "media.delete_files"}


def test_a_failed_upload_may_be_tried_again(
    upload: Any, run_jobs: Any, client: Any, bearer: Any, emitted: Any
) -> None:
    first = upload(b"no music")
    run_jobs()
    again = upload(b"no music", "better name.mp3")
    assert (again.status_code, again.json["status"]) == (202, "received")
    assert again.json["id"] == first.json["id"]
    assert again.json["failure"] is None
    assert again.json["filename"] == "better name.mp3"
    assert run_jobs() == ["media.describe"]
    url = f"/api/v1/uploads/{first.json['id']}"
    assert client.get(url, headers=bearer()).json["status"] == "failed"
    versions = [event["version"] for event in emitted("media.asset.failed.v1")]
    assert versions == sorted(set(versions))
    assert len(versions) == 2


def test_one_asks_before_bytes_travel(
    upload: Any, client: Any, bearer: Any, make_audio: MakeAudio
) -> None:
    sent = upload(make_audio("a.mp3", seconds=1)).json
    url = "/api/v1/uploads?sha256="
    assert client.get(url + sent["sha256"], headers=bearer()).json["items"] == [sent]
    assert client.get(url + sent["sha256"].upper(), headers=bearer()).json["items"] == [sent]
    assert client.get(url + "0" * 64, headers=bearer()).json["items"] == []
    assert client.get(url + sent["sha256"], headers=bearer(new_id())).json["items"] == []
    assert client.get(url + "short", headers=bearer()).status_code == 422


def test_the_list_goes_page_by_page_newest_first(upload: Any, client: Any, bearer: Any) -> None:
    sent = [upload(f"file {number}".encode()).json["id"] for number in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/api/v1/uploads?limit=2{cursor}", headers=bearer()).json
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sent[::-1]


def test_uploads_are_their_owners_business(
    upload: Any,
    client: Any,
    bearer: Any,
    make_audio: MakeAudio,
    storage_dir: Path,
    emitted: Any,
    run_jobs: Any,
) -> None:
    sent = upload(make_audio("a.mp3", seconds=1)).json
    url = f"/api/v1/uploads/{sent['id']}"
    for call in (client.get, client.delete):
        assert call(url).status_code == 401
        assert call(url, headers=bearer(scopes=["playback:read"])).status_code == 403
        assert call(url, headers=bearer(new_id())).status_code == 404
        assert call(f"/api/v1/uploads/{new_id()}", headers=bearer()).status_code == 404
    assert client.get(url, headers=bearer(new_id(), roles=["admin"])).status_code == 200
    assert client.delete(url, headers=bearer()).status_code == 204
    assert client.get(url, headers=bearer()).status_code == 404
    assert client.delete(url, headers=bearer()).status_code == 404
    assert run_jobs() == ["media.delete_files"]
    assert _files(storage_dir) == []
    deleted = emitted("media.asset.deleted.v1")[0]
    assert (deleted["id"], deleted["upload_id"]) == (sent["asset_id"], sent["id"])
    assert upload(make_audio("a.mp3", seconds=1)).status_code == 202


@pytest.mark.parametrize(
    ("request_args", "status", "word"),
    [
        ({"json": {"file": "x"}}, 415, "multipart/form-data"),
        ({"data": b"raw audio", "content_type": "audio/mpeg"}, 415, "multipart/form-data"),
        ({"data": {"other": (io.BytesIO(b"x"), "a.mp3")}}, 422, "no file"),
        (
            {"data": {"file": "only a field"}, "content_type": "multipart/form-data"},
            422,
            "no file",
        ),
        ({"data": {"file": [(io.BytesIO(b"1"), "a"), (io.BytesIO(b"2"), "b")]}}, 422, "one file"),
        ({"data": {"file": (io.BytesIO(b"x"), "a"), "metadata": "{"}}, 422, ""),
        ({"data": {"file": (io.BytesIO(b"x"), "a"), "metadata": '{"titel": "x"}'}}, 422, ""),
        ({"data": {"file": (io.BytesIO(b"x"), "a"), "metadata": '{"year": "soon"}'}}, 422, ""),
        ({"data": b"--b\r\ngarbage", "content_type": "multipart/form-data; boundary=b"}, 400, ""),
        ({"data": b"x", "content_type": "multipart/form-data"}, 400, ""),
    ],
)
def test_what_is_no_upload_is_refused_clearly(
    client: Any,
    bearer: Any,
    storage_dir: Path,
    request_args: dict[str, Any],
    status: int,
    word: str,
) -> None:
    # The client closes the files, and the next run gets the same.
    answer = client.post("/api/v1/uploads", headers=bearer(), **deepcopy(request_args))
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert word in answer.json["detail"]
    assert _files(storage_dir) == []


def test_metadata_may_come_as_a_json_part(
    client: Any, bearer: Any, run_jobs: Any, emitted: Any
) -> None:
    metadata = io.BytesIO(b'{"title": "  Sp\\u0000aced ", "genres": ["Jazz", "Jazz"]}')
    form = {
        "metadata": (metadata, "metadata.json", "application/json"),
        "file": (io.BytesIO(b"x"), "a.mp3", "audio/mpeg"),
    }
    answer = client.post("/api/v1/uploads", data=form, headers=bearer())
    assert answer.status_code == 202, answer.text
    metadata_event = emitted("media.asset.received.v1")[0]["metadata"]
    assert (metadata_event["title"], metadata_event["genres"]) == ("Sp aced", ["Jazz"])


@pytest.mark.parametrize(
    "wrong", [b'{"year": true}', b'{"year": "2000"}', b'{"genres": [["Jazz"]]}']
)
def test_metadata_of_wrong_types_is_refused(
    client: Any, bearer: Any, storage_dir: Path, wrong: bytes
) -> None:
    form = {"metadata": wrong, "file": (io.BytesIO(b"x"), "a.mp3")}
    answer = client.post("/api/v1/uploads", data=form, headers=bearer())
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert _files(storage_dir) == []


def test_metadata_is_not_a_way_around_the_limit(client: Any, bearer: Any) -> None:
    huge = b'{"lyrics": "' + b"x" * 400_000 + b'"}'
    for part in ((io.BytesIO(huge), "m.json", "application/json"), huge):
        form = {"file": (io.BytesIO(b"x"), "a.mp3"), "metadata": part}
        answer = client.post("/api/v1/uploads", data=form, headers=bearer())
        assert answer.status_code == 413, answer.text


def test_an_empty_file_fails_with_the_reason(
    upload: Any, run_jobs: Any, client: Any, bearer: Any
) -> None:
    sent = upload(b"", "empty.mp3")
    assert sent.status_code == 202
    run_jobs()
    failed = client.get(f"/api/v1/uploads/{sent.json['id']}", headers=bearer()).json
    assert (failed["status"], failed["failure"]) == ("failed", "The file is empty (0 bytes).")


def test_uploads_leave_threads_for_others(app: Any, upload: Any) -> None:
    places = app.extensions["upload_places"]
    taken = [places.acquire(blocking=False) for _ in range(8)]
    assert taken.count(True) == 5, "of eight threads three are kept free"
    refused = upload(b"ID3 one")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert "again in a moment" in refused.json["detail"]
    places.release()
    for _ in range(2):  # each gives its place back
        assert upload(b"ID3 one").status_code in (200, 202)


@pytest.mark.parametrize("size", [5_000_001, 20_000_000])
def test_past_the_limit_nothing_is_kept(upload: Any, storage_dir: Path, size: int) -> None:
    answer = upload(bytes(size))
    assert answer.status_code == 413
    assert "5,000,000 bytes" in answer.json["detail"]
    assert _files(storage_dir) == []


def test_exactly_the_limit_is_taken(upload: Any) -> None:
    assert upload(bytes(5_000_000)).status_code == 202


def test_a_listener_may_not_upload(client: Any, bearer: Any, storage_dir: Path) -> None:
    form = {"file": (io.BytesIO(b"x"), "a.mp3")}
    listener = bearer(scopes=["playback:read"], roles=["listener"])
    assert client.post("/api/v1/uploads", data=form, headers=listener).status_code == 403
    assert _files(storage_dir) == []


@pytest.mark.parametrize("chunked", [False, True])
def test_a_broken_upload_leaves_nothing_behind(
    app: Any, bearer: Any, storage_dir: Path, database: Database, chunked: bool
) -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 4000000"
    head = (
        b"POST /api/v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: "
        + bearer()["Authorization"].encode()
        + b"\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        + length
        + b"\r\n\r\n"
    )
    body = part + bytes(300_000)
    if chunked:
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
        connection.sendall(head + body)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(10)
        connection.recv(65536)
    server.shutdown()
    thread.join()
    server.server_close()
    assert _files(storage_dir) == []
    with database.reading() as session:
        assert session.execute(select(job.c.id)).all() == []
