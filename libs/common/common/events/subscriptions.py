"""Which handler of a service applies which event type."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from common.events.envelope import Envelope, Event

E = TypeVar("E", bound=Event)
Handler = Callable[[Session, E], None]
Burial = Callable[[Session, Envelope], None]
"""What a service does, in the same transaction, when an event is given up as a dead letter."""


class Subscriptions:
    """Handlers by event type; one object per upstream module, joined with `|`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Session, Envelope], None]] = {}
        self._burials: dict[str, Burial] = {}

    def on(
        self, event_type: str, model: type[E], *, dead: Burial | None = None
    ) -> Callable[[Handler[E]], Handler[E]]:
        """Register a handler that gets the event's data as `model`, the consumer's own copy."""

        def register(handler: Handler[E]) -> Handler[E]:
            def apply(session: Session, envelope: Envelope) -> None:
                handler(session, model.model_validate(envelope.data))

            if event_type in self._handlers:
                raise ValueError(f"{event_type} has two handlers")
            self._handlers[event_type] = apply
            if dead is not None:
                self._burials[event_type] = dead
            return handler

        return register

    def __or__(self, other: "Subscriptions") -> "Subscriptions":
        joined = Subscriptions()
        joined._handlers = {**self._handlers, **other._handlers}
        joined._burials = {**self._burials, **other._burials}
        return joined

    @property
    def types(self) -> set[str]:
        """The event types that somebody listens to."""
        return set(self._handlers)

    def apply(self, session: Session, envelope: Envelope) -> None:
        """Run the handler of the envelope's type; raises LookupError where there is none."""
        if envelope.type not in self._handlers:
            raise LookupError(f"nothing here listens to {envelope.type}")
        self._handlers[envelope.type](session, envelope)

    def bury(self, session: Session, envelope: Envelope) -> None:
        """Do what a dead letter of this type means here, which mostly is nothing."""
        if envelope.type in self._burials:
            self._burials[envelope.type](session, envelope)
