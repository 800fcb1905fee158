import pytest

from common.settings import load
from media.settings import MediaSettings

_URL = "cloudinary://123:very-secret@cloud"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MEDIA_DATABASE_URL": "sqlite://",
        "MEDIA_STORAGE_DIR": "files",
        "MEDIA_URL_SECRET": "a secret for tests only",
        "BROKER_URL": "redis://x",
        "CACHE_URL": "redis://x",
        "JWKS_URL": "http://x",
        "TOKEN_ISSUER": "http://x",
        "CONTRACTS_DIR": "contracts",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    for name in ("STORAGE", "CLOUDINARY_URL"):
        monkeypatch.delenv(name, raising=False)


def test_files_are_kept_locally_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(MediaSettings).storage == "local"
    monkeypatch.setenv("CLOUDINARY_URL", "set for another program")
    assert load(MediaSettings).cloudinary_url is None


def test_two_variables_turn_cloudinary_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE", "cloudinary")
    monkeypatch.setenv("CLOUDINARY_URL", _URL)
    settings = load(MediaSettings)
    assert settings.cloudinary_url is not None
    assert settings.cloudinary_url.get_secret_value() == _URL
    assert "very-secret" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://very-secret@cloud",
        "cloudinary://123@cloud",
        "cloudinary://1:very-secret@",
        "cloudinary://1:very-secret[@x",
    ],
)
def test_without_a_good_url_the_start_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    monkeypatch.setenv("STORAGE", "cloudinary")
    if url is not None:
        monkeypatch.setenv("CLOUDINARY_URL", url)
    with pytest.raises(SystemExit) as stopped:
        load(MediaSettings)
    assert "CLOUDINARY_URL: " in str(stopped.value)
    assert "cloudinary://<api_key>:<api_secret>@<cloud_name>" in str(stopped.value)
    assert "very-secret" not in str(stopped.value)


def test_an_unknown_storage_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE", "floppy")
    with pytest.raises(SystemExit, match="STORAGE: Input should be 'local' or 'cloudinary'"):
        load(MediaSettings)
