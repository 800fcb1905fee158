"""Events and the CloudEvents 1.0 envelope (JSON format) they travel in."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from common.db import new_id, utcnow
from common.tracing import current_context

# Inboxes note it in 36 ASCII characters: a UUID, or whatever else is as short.
EventId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,36}$")]
# A service's name: queues are named after it.
_Source = Annotated[str, StringConstraints(pattern=r"^/[a-z][a-z0-9_-]{0,39}$")]


class Event(BaseModel):
    """The full state of one subject at one version; a subclass is one event type.

    `id` is the subject's id and `version` orders the states of that subject.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    """For example `auth.user.registered.v1`."""
    subject_kind: ClassVar[str]
    """For example `user`."""
    data_of: ClassVar[str | None] = None
    """The field with the user whose data this is, all of which goes when they are erased.

    None for what holds no more than ids.
    """

    id: str
    """What the event is about."""
    version: int
    """Grows with each state of the subject: apply only a newer one than you have."""


class Envelope(BaseModel):
    """A CloudEvents 1.0 event with the extensions `sequence`, `traceparent`, `tracestate`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    """The version of CloudEvents."""
    id: EventId
    """Of this event, at most 36 characters; copies have the same, and must be applied once."""
    source: _Source
    """Who published it; acknowledgements go there."""
    type: str
    """What happened, and the version of the contract."""
    subject: str
    """What it is about: a kind and an id."""
    time: datetime
    """When it happened (RFC 3339, UTC)."""
    datacontenttype: Literal["application/json"] = "application/json"
    """The media type of `data`."""
    dataschema: str
    """Where the JSON Schema is."""
    sequence: str
    """The subject's version, as text."""
    traceparent: str | None = None
    """The W3C trace of the request that caused it; null when there was none."""
    tracestate: str | None = None
    """What tracing vendors added to that trace (W3C), as it came; null when there was nothing."""
    data: dict[str, Any]
    """The state of the subject."""

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
            **current_context()._asdict(),
            data=event.model_dump(mode="json"),
        )


class Acknowledgement(BaseModel):
    """What a subscriber answers when it has committed the effects of some events."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    subscriber: str
    """The service that committed."""
    event_ids: list[EventId]
    """The id of each event."""
