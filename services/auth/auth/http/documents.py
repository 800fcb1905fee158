"""Public documents: the JWK Set, the merged OpenAPI document and its page."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, send_file
from flask_openapi import APIBlueprint

from auth.http.schemas import JwksOut
from common.auth import public
from common.errors import NotFound

api = APIBlueprint("well_known", __name__)
pages = Blueprint("documents", __name__)

# RapiDoc comes with the wheel: the page asks no other host for anything.
_RAPIDOC = Path(str(files("flask_openapi_rapidoc"))) / "templates/rapidoc/js/rapidoc-min.js"
_PAGE = Path(__file__).with_name("docs.html")


@api.get("/.well-known/jwks.json", responses={200: JwksOut})
@public
def jwks() -> Any:
    """Read the keys that verify access tokens."""
    headers = {"Cache-Control": "public, max-age=300"}
    return current_app.extensions["keys"].public_jwks(), 200, headers


@pages.get("/openapi.json")
@public
def openapi() -> Response:
    """Serve the OpenAPI document of all services, as `make contracts` merged it."""
    path: Path = current_app.extensions["settings"].contracts_dir / "openapi.json"
    if not path.exists():
        raise NotFound("The OpenAPI document has not been built; run `make contracts`.")
    # The application itself answers conditions on JSON.
    return send_file(path.absolute(), mimetype="application/json", conditional=False)


@pages.get("/docs")
@public
def docs() -> Response:
    """Serve the page that shows the OpenAPI document."""
    return send_file(_PAGE, mimetype="text/html")


@pages.get("/docs/rapidoc.js")
@public
def docs_script() -> Response:
    """Serve the page's script."""
    return send_file(_RAPIDOC, mimetype="text/javascript", max_age=86400)
