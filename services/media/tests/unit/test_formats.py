import random

import pytest

from media.formats import AAC, FLAC, MP3, MP4, OGG, WAV, guess_foreign, sniff

# MPEG-1 layer III, 128 kb/s, 44.1 kHz: 417 bytes a frame; MPEG-2, 64 kb/s, 22.05 kHz: 208.
FRAME = b"\xff\xfb\x90\x00" + bytes(413)
FRAME_MPEG2 = b"\xff\xf3\x80\x00" + bytes(204)


def _id3(size: int) -> bytes:
    seven = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + seven + bytes(size)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (FRAME * 5, MP3),
        (FRAME_MPEG2 * 5, MP3),
        (FRAME * 2, MP3),
        (b"\0" * 100 + FRAME * 5, MP3),
        (_id3(300) + FRAME * 5, MP3),
        (_id3(300) + _id3(50) + FRAME * 5, MP3),
        (_id3(300)[:200], MP3),
        (_id3(300) + b"fLaC", FLAC),
        (b"fLaC", FLAC),
        (b"OggS\x00", OGG),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", WAV),
        (b"\x00\x00\x00\x20ftypM4A ", MP4),
        ((b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 3, AAC),
        (_id3(30) + (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 3, AAC),
    ],
)
def test_known_formats(head: bytes, expected: object) -> None:
    assert sniff(head) is expected


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"plain text, whatever its name says\n" * 50,
        b"#EXTM3U\nhttp://example.org/secret\n",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\xff\xd8\xff\xe0" + FRAME * 3,
        b"XXXX\x00\x00\x00\x00WAVE",
        FRAME,
        b"ID3",
    ],
)
def test_everything_else_is_refused(head: bytes) -> None:
    assert sniff(head) is None


def test_noise_is_hardly_ever_taken_for_music() -> None:
    noise = random.Random(5)
    taken = sum(sniff(noise.randbytes(20_000)) is not None for _ in range(50))
    assert taken == 0


def test_what_is_no_audio_gets_a_name() -> None:
    assert guess_foreign(b"%PDF-1.7") == "a PDF document"
    assert guess_foreign("Grüße, nur Text\r\n".encode()) == "text"
    assert guess_foreign(b"\x00\x01\x02\x03") is None
