from auth.models import Role, User


def test_names_compare_casefolded() -> None:
    assert User.key(" Straße ") == User.key("STRASSE")


def test_a_role_adds_its_scopes() -> None:
    listener = User(role_names="listener")
    artist = User(role_names="listener artist")
    assert "catalog:read" in listener.scopes
    assert "uploads:write" not in listener.scopes
    assert listener.scopes < artist.scopes
    assert artist.roles == [Role.LISTENER, Role.ARTIST]


def test_a_change_raises_the_version() -> None:
    user = User(version=3)
    user.change()
    assert user.version == 4
