"""What auth reads from the environment (table in the README)."""

from pydantic import Field, SecretStr

from common.settings import ServiceSettings, prefixed


class AuthSettings(ServiceSettings):
    """Settings of the auth service."""

    model_config = prefixed("AUTH_")

    key_passphrase: SecretStr = Field(min_length=16)
    """Encrypts the private signing keys at rest."""
    self_service_artist: bool = True
    """Whether registration gives the role `artist`, which may upload."""
    access_token_seconds: int = Field(600, ge=60, le=1500)
    refresh_token_days: int = Field(30, ge=1)
    login_rate: str = "20/minute"
    """Token requests of one address and account (a Flask-Limiter rate)."""
    login_address_rate: str = "240/minute"
    """Token requests of one address, whatever the account: each may cost an argon2 hash."""
    register_rate: str = "30/minute"
    """Registrations from one address (a Flask-Limiter rate)."""
