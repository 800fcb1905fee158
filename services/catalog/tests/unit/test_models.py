from catalog.models import Album, Track, TrackState
from catalog.services.lyrics import strip_times
from common.db import utcnow


def test_a_change_counts_and_is_dated() -> None:
    before = utcnow()
    album = Album(owner_id="x", version=3, updated_at=before)
    album.change()
    assert album.version == 4
    assert album.updated_at > before


def test_retitling_takes_the_key_along() -> None:
    album = Album()
    album.retitle("Ágætis  byrjun")
    assert (album.title, album.title_key) == ("Ágætis  byrjun", "agaetis byrjun")


def test_tracks_without_a_disc_are_on_the_first_one() -> None:
    first, second, other_disc = Track(), Track(), Track()
    first.place(None, 2)
    second.place(1, 10)
    other_disc.place(2, 1)
    assert first.album_position < second.album_position < other_disc.album_position


def test_publishing_again_keeps_the_first_date() -> None:
    track = Track(state=TrackState.DRAFT)
    track.publish()
    first = track.published_at
    assert track.is_published
    track.state = TrackState.HIDDEN
    track.publish()
    assert track.published_at == first


def test_a_hidden_track_is_not_public_whatever_it_was_before() -> None:
    assert not Track(state=TrackState.HIDDEN, published_at=utcnow()).is_published


def test_lrc_without_its_times_and_headers_is_plain() -> None:
    lrc = "[ar:Queen]\n[00:01.00]Pressure <00:01.50>pushing\n[00:03.20][00:09.00] down on me\n"
    assert strip_times(lrc) == "Pressure pushing\ndown on me"
