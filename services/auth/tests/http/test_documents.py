from pathlib import Path
from typing import Any


def test_the_page_asks_no_other_host_for_anything(client: Any) -> None:
    with client.get("/docs") as page:
        assert page.mimetype == "text/html"
        assert "http://" not in page.text
        assert "https://" not in page.text
    with client.get("/docs/rapidoc.js") as script:
        assert script.mimetype == "text/javascript"
        assert len(script.data) > 100_000


def test_health_and_metrics_are_there(client: Any) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ok", "redis": "ok"}
    assert "http_request_duration_seconds" in client.get("/metrics").text


def test_the_openapi_document_is_served_whole_and_once(client: Any, contracts_dir: Path) -> None:
    with client.get("/openapi.json") as document:
        assert document.status_code == 200
        assert document.mimetype == "application/json"
        assert document.data == (contracts_dir / "openapi.json").read_bytes()
    with client.get("/openapi.json", headers={"If-None-Match": document.headers["ETag"]}) as again:
        assert (again.status_code, again.data) == (304, b"")
    with client.get("/openapi.json", headers={"If-Match": '"another"'}) as refused:
        assert (refused.status_code, refused.mimetype) == (412, "application/problem+json")
