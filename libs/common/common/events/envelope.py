"""Events and the CloudEvents 1.0 envelope (JSON format) they travel in."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from common.db import new_id, utcnow
from common.tracing import current_traceparent


class Event(BaseModel):
    """The full state of one subject at one version; a subclass is one event type.

    `id` is the subject's id and `version` orders the states of that subject.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    """For example `auth.user.registered.v1`."""
    subject_kind: ClassVar[str]
    """For example `user`."""

    id: str
    version: int


class Envelope(BaseModel):
    """A CloudEvents 1.0 event with the extensions `sequence` and `traceparent`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: str
    traceparent: str | None = None
    data: dict[str, Any]

    @property
    def producer(self) -> str:
        """The service that sent it, to which acknowledgements go."""
        return self.source.strip("/")

    @classmethod
    def wrap(cls, source: str, event: Event) -> "Envelope":
        """Put an event into a fresh envelope that belongs to the current trace."""
        return cls(
            id=new_id(),
            source=source,
            type=event.event_type,
            subject=f"{event.subject_kind}/{event.id}",
            time=utcnow(),
            dataschema=f"/contracts/events/{event.event_type}.json",
            sequence=str(event.version),
            traceparent=current_traceparent(),
            data=event.model_dump(mode="json"),
        )
