"""What playlist reads from the environment (table in the README)."""

from common.settings import ServiceSettings, prefixed


class PlaylistSettings(ServiceSettings):
    """Settings of the playlist service: the shared ones and a schema of its own."""

    model_config = prefixed("PLAYLIST_")
