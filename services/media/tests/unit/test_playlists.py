from media.services.playback import point_at

_PLAYLIST = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MAP:URI="64k.m4s",BYTERANGE="700@0"
#EXTINF:6.0,
#EXT-X-BYTERANGE:100@700
64k.m4s
#EXT-X-ENDLIST
"""


def test_a_playlist_points_at_one_url() -> None:
    pointed = point_at(_PLAYLIST, "64k.m4s", "https://cdn.test/x?a=1&b=2")
    assert pointed == _PLAYLIST.replace("64k.m4s", "https://cdn.test/x?a=1&b=2")


def test_other_names_are_let_be() -> None:
    assert point_at(_PLAYLIST, "4k.m4s", "https://cdn.test/x") == _PLAYLIST
