"""A stand-in for Cloudinary that judges what is on the wire: `python server.py key secret cloud`.

It prints its port and serves until its standard input ends. Answers are as documented by Cloudinary
and as the SDK expects them; what the live service does differently, it cannot show.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import sys
import threading
import time
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

from cloudinary_standin.assets import Assets, Refused

_STALE_SECONDS = 3600
_LEAST_CHUNK = 5_000_000
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Standin(ThreadingHTTPServer):
    """One product environment, and what it is told to do wrong."""

    daemon_threads = True

    def __init__(self, key: str, secret: str, cloud: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key, self.secret, self.cloud = key, secret, cloud
        self.assets = Assets()
        self.lock = threading.Lock()
        self.faults: list[dict[str, Any]] = []
        self.requests: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that a client gives up are no news."""

    def sign(self, params: dict[str, str]) -> str:
        """Return the signature (version 2, SHA-256) of a request's parameters."""
        left_out = ("file", "signature", "api_key", "resource_type", "cloud_name")
        signed = {name: v for name, v in params.items() if v and name not in left_out}
        text = "&".join(f"{name}={signed[name]}".replace("&", "%26") for name in sorted(signed))
        return hashlib.sha256((text + self.secret).encode()).hexdigest()

    def check_signature(self, params: dict[str, str]) -> None:
        """Refuse what is not signed by us, or was long ago."""
        if params.get("api_key") != self.key:
            raise Refused(401, "Unknown API key")
        if not hmac.compare_digest(params.get("signature", ""), self.sign(params)):
            raise Refused(401, "Invalid Signature")
        if abs(time.time() - int(params.get("timestamp", "0"))) > _STALE_SECONDS:
            raise Refused(400, "Stale request")

    def fault_for(self, line: str) -> dict[str, Any] | None:
        """Return what is to go wrong with this request, once less than before."""
        with self.lock:
            self.requests.append(line)
            for fault in self.faults:
                if fault["times"] > 0 and re.search(fault["match"], line):
                    fault["skip"] = fault.get("skip", 0) - 1
                    if fault["skip"] < 0:
                        fault["times"] -= 1
                        return fault
        return None


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Standin

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the library looks for these names

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/_control/"):
            self._control(parts.path.rpartition("/")[2])
            return
        fault = self.server.fault_for(f"{self.command} {self.path}")
        if fault and fault["kind"] == "cut":  # in mid-request, as a broken line does
            self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1000))
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if fault and fault["kind"] == "stall":
            time.sleep(fault["seconds"])
            self.close_connection = True
            return
        try:
            if fault and fault["kind"] == "status":
                raise Refused(fault["status"], "told to fail", fault.get("html", False))
            self._route(parts.path, dict(parse_qsl(parts.query)), body, fault)
        except Refused as refused:
            self._refuse(refused)

    def _control(self, what: str) -> None:
        size = int(self.headers.get("Content-Length", 0))
        given = json.loads(self.rfile.read(size) or b"null")
        server = self.server
        with server.lock:
            if what == "faults":
                server.faults = given
            elif what == "age":
                server.assets.age(given)
            elif what == "reset":
                server.assets, server.faults, server.requests = Assets(), [], []
        found = {"requests": server.requests, "assets": server.assets.describe()}
        self._json(200, found.get(what, {}))

    def _route(
        self, path: str, query: dict[str, str], body: bytes, fault: dict[str, Any] | None
    ) -> None:
        names = [unquote(part) for part in path.strip("/").split("/")]
        if names[0] == self.server.cloud:
            return self._deliver_public(names[1:], fault)
        if names[:2] != ["v1_1", self.server.cloud]:
            raise Refused(404, "No such cloud")
        if names[2] == "resources":
            return self._admin(names[3], names[4], query, body)
        kind, action = names[2], names[3]
        if action == "download" and self.command == "GET":
            return self._download(kind, query, fault)
        params = _form(self.headers["Content-Type"], body)
        self.server.check_signature({n: v for n, v in params.items() if isinstance(v, str)})
        if action == "upload":
            return self._upload(kind, params)
        if action == "destroy":
            gone = self.server.assets.remove(kind, params["type"], params["public_id"])
            return self._json(200, {"result": "ok" if gone else "not found"})
        raise Refused(404, "No such action")

    def _upload(self, kind: str, params: dict[str, Any]) -> None:
        data = params["file"]
        whole = _CONTENT_RANGE.fullmatch(self.headers["Content-Range"] or "")
        upload_id = self.headers["X-Unique-Upload-Id"]
        if whole is None or not upload_id:
            raise Refused(400, "Not a chunked upload")
        start, end, size = map(int, whole.groups())
        if len(data) != end - start + 1:
            raise Refused(400, "Content-Range does not fit the chunk")
        if end + 1 < size and len(data) < _LEAST_CHUNK:
            raise Refused(400, "Every chunk but the last must be at least 5 MB")
        assets = self.server.assets
        done = assets.add_chunk(upload_id, start, end + 1 == size, data)
        if done is None:
            return self._json(200, {"done": False, "public_id": params["public_id"]})
        if len(done) != size:
            raise Refused(400, "Chunks are missing")
        answer = assets.store(kind, params, done)
        return self._json(200, answer)

    def _admin(self, kind: str, delivery: str, query: dict[str, str], body: bytes) -> None:
        wanted = base64.b64encode(f"{self.server.key}:{self.server.secret}".encode()).decode()
        if self.headers["Authorization"] != f"Basic {wanted}":
            raise Refused(401, "unknown api_key")
        if self.command == "GET":
            return self._json(200, self.server.assets.page(kind, delivery, query))
        given = json.loads(body)
        return self._json(200, self.server.assets.remove_below(kind, delivery, given["prefix"]))

    def _download(self, kind: str, query: dict[str, str], fault: dict[str, Any] | None) -> None:
        self.server.check_signature(query)
        if int(query.get("expires_at", int(query["timestamp"]) + 3600)) < time.time():
            raise Refused(401, "The URL has expired")
        data = self.server.assets.get(kind, query["type"], query["public_id"])
        extra = {"Content-Disposition": "attachment"} if query.get("attachment") else {}
        self._send(data, _TYPES.get(kind, "application/octet-stream"), fault, extra)

    def _deliver_public(self, names: list[str], fault: dict[str, Any] | None) -> None:
        kind, delivery, signature, version, *rest = names
        source = "/".join(rest)
        digest = hashlib.sha256((source + self.server.secret).encode()).digest()
        wanted = base64.urlsafe_b64encode(digest)[:8].decode()
        if delivery != "upload" or signature != f"s--{wanted}--" or version != "v1":
            raise Refused(401, "Invalid URL signature")
        data = self.server.assets.get(kind, delivery, source.rpartition(".")[0])
        self._send(data, "image/jpeg", fault, {})

    def _send(
        self, data: bytes, media_type: str, fault: dict[str, Any] | None, extra: dict[str, str]
    ) -> None:
        size, status = len(data), 200
        asked = _RANGE.fullmatch(self.headers["Range"] or "")
        if asked:
            first = int(asked[1] or 0)
            last = min(int(asked[2] or size - 1), size - 1)
            if first > last:
                raise Refused(416, "No such range")
            data, status = data[first : last + 1], 206
            extra = extra | {"Content-Range": f"bytes {first}-{last}/{size}"}
        self.send_response(status)
        for name, value in (extra | {"Accept-Ranges": "bytes", "Content-Type": media_type}).items():
            self.send_header(name, value)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if fault and fault["kind"] == "truncate":
            data, self.close_connection = data[: len(data) // 2], True
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, refused: Refused) -> None:
        if refused.as_html:
            return self._write(refused.status, b"<html>Bad gateway</html>", "text/html")
        return self._json(refused.status, {"error": {"message": str(refused)}})

    def _json(self, status: int, answer: object) -> None:
        self._write(status, json.dumps(answer).encode(), "application/json")

    def _write(self, status: int, data: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        if status in (429, 503):
            # Longer than anybody here may wait: libraries that obey it by themselves are found out.
            self.send_header("Retry-After", "60")
        self.end_headers()
        self.wfile.write(data)


_TYPES = {"video": "video/mp4"}


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the fields of a multipart form; the file as bytes."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    fields: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        fields[name] = payload if name == "file" else payload.decode()
    return fields


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    for name in ("key", "secret", "cloud"):
        parser.add_argument(name)
    server = Standin(**vars(parser.parse_args()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, datetime.now(UTC).isoformat(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
