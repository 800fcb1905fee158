"""What playlist does about other services' events: a module an upstream service."""

from playlist.consumers import auth, catalog

subscriptions = auth.subscriptions | catalog.subscriptions
