from auth.services.passwords import hash_password, password_matches


def test_a_hash_is_argon2id_with_the_agreed_cost() -> None:
    assert hash_password("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_only_the_right_password_matches() -> None:
    stored = hash_password("right")
    assert password_matches(stored, "right")
    assert not password_matches(stored, "wrong")


def test_nobody_has_a_password() -> None:
    assert not password_matches(None, "nobody has this password")
    assert not password_matches("not a hash", "x")
