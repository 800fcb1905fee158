"""Uploads: sent once, followed until they are a track."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, current_app
from flask_openapi import APIBlueprint, RequestBody

from common.auth import current_identity, requires
from common.errors import Unavailable
from common.web import reading, writing
from common.web.schemas import page_of
from media.http.multipart import upload_form
from media.http.schemas import UploadMetadata, UploadOut, UploadPage, UploadPath, UploadsQuery
from media.models import Upload
from media.ports import Storage
from media.queries.uploads import find_upload, list_uploads
from media.services.uploads import delete_upload, plan_upload, receive_upload

api = APIBlueprint("uploads", __name__, url_prefix="/api/v1/uploads")

_METADATA_SCHEMA = UploadMetadata.model_json_schema()
_FORM = RequestBody.model_validate(
    {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "metadata": _METADATA_SCHEMA,
                    },
                },
                "encoding": {"metadata": {"contentType": "application/json"}},
            }
        },
    }
)


@api.post("", request_body=_FORM, responses={200: UploadOut, 202: UploadOut})
@requires(scope="uploads:write")
def upload() -> Any:
    """Upload a recording; 200 instead of 202 when these bytes are already there."""
    limit = current_app.extensions["settings"].max_upload_bytes
    owner_id, storage = current_identity().user_id, _storage()
    with _place(), upload_form(storage, limit) as form:
        with reading() as session:
            plan = plan_upload(session, owner_id, form.received.sha256)
        if plan.is_needed:
            storage.keep(form.received, plan.key)
        with writing() as session:
            found, begins = receive_upload(
                session,
                plan,
                owner_id=owner_id,
                received=form.received,
                filename=form.filename,
                given=form.metadata.model_dump(exclude_unset=True),
            )
        return upload_out(found), 202 if begins else 200


@api.get("", responses={200: UploadPage})
@requires(scope="uploads:read")
def read_uploads(query: UploadsQuery) -> Any:
    """List one's own uploads, newest first; with `sha256` ask before bytes travel."""
    with reading() as session:
        owner_id = current_identity().user_id
        found = list_uploads(session, owner_id, **query.model_dump())
        return page_of(found, lambda row: upload_out(row).model_dump(mode="json"))


@api.get("/<uuid:upload_id>", responses={200: UploadOut})
@requires(scope="uploads:read")
def read_upload(path: UploadPath) -> Any:
    """Read an upload's state."""
    with reading() as session:
        return upload_out(find_upload(session, str(path.upload_id), current_identity()))


@api.delete("/<uuid:upload_id>", responses={204: None})
@requires(scope="uploads:write")
def remove_upload(path: UploadPath) -> Any:
    """Delete an upload with its asset; all files made of it follow, mostly within seconds."""
    with writing() as session:
        found = find_upload(session, str(path.upload_id), current_identity(), lock=True)
        delete_upload(session, found)
    return Response(status=204)


def upload_out(found: Upload) -> UploadOut:
    """Return the public view of an upload."""
    return UploadOut(
        id=found.id,
        status=found.status,
        asset_id=found.asset_id,
        track_id=found.track_id,
        failure=found.failure,
        filename=found.filename,
        size_bytes=found.asset.size_bytes,
        sha256=found.asset.sha256,
        media_type=found.asset.media_type,
        stages=found.stages,
    )


@contextmanager
def _place() -> Iterator[None]:
    """Hold one of the places that this process has for uploads; raises Unavailable."""
    places = current_app.extensions["upload_places"]
    if not places.acquire(blocking=False):
        raise Unavailable("Too many uploads are under way here. Send this one again in a moment.")
    try:
        yield
    finally:
        places.release()


def _storage() -> Storage:
    storage: Storage = current_app.extensions["storage"]
    return storage
