"""Tell a file's type by its first bytes; names and declared types are only claims."""

from dataclasses import dataclass

SNIFF_BYTES = 256 * 1024
"""How much of a file's beginning `sniff` wants to see."""


@dataclass(frozen=True)
class Format:
    """A container we take: its media type and the one ffmpeg demuxer allowed to read it."""

    media_type: str
    demuxer: str


MP3 = Format("audio/mpeg", "mp3")
AAC = Format("audio/aac", "aac")
FLAC = Format("audio/flac", "flac")
OGG = Format("audio/ogg", "ogg")
WAV = Format("audio/wav", "wav")
AIFF = Format("audio/aiff", "aiff")
MP4 = Format("audio/mp4", "mov")
WEBM = Format("audio/webm", "matroska")
ASF = Format("audio/x-ms-wma", "asf")
WAVPACK = Format("audio/x-wavpack", "wv")
APE = Format("audio/x-ape", "ape")
CAF = Format("audio/x-caf", "caf")

_MAGIC: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"fLaC", FLAC),
    (0, b"OggS", OGG),
    (8, b"WAVE", WAV),
    (8, b"AIFF", AIFF),
    (8, b"AIFC", AIFF),
    (4, b"ftyp", MP4),
    (0, b"\x1a\x45\xdf\xa3", WEBM),
    (0, bytes.fromhex("3026b2758e66cf11"), ASF),
    (0, b"wvpk", WAVPACK),
    (0, b"MAC ", APE),
    (0, b"caff", CAF),
)
_NOT_AUDIO: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"AVI ", "an AVI video"),
    (0, b"FLV", "a Flash video"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)
_CONTAINERS = (b"RIFF", b"RF64", b"FORM")

_V1_LAYER_KBPS = {
    3: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_V2_LAYER_KBPS = {
    3: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_V1_RATES = (44100, 48000, 32000)


def sniff(head: bytes) -> Format | None:
    """Return the format of a file that begins with `head`, None when it is not audio we know."""
    body = _after_id3(head)
    for offset, magic, known in _MAGIC:
        if body.startswith(magic, offset) and (offset != 8 or body.startswith(_CONTAINERS)):
            return known
    if _is_adts(body):
        return AAC
    # ID3 without a visible frame: a large picture hides it; ffmpeg will tell.
    hidden = head.startswith(b"ID3") and not body
    return MP3 if hidden or (guess_foreign(body) is None and _has_mpeg_frames(body)) else None


def guess_foreign(head: bytes) -> str | None:
    """Name what a file that is not audio seems to be, e.g. `a PNG picture`; None if unknown."""
    for offset, magic, name in _NOT_AUDIO:
        if head.startswith(magic, offset):
            return name
    sample = head[:4096]
    if sample and not any(byte < 9 or 13 < byte < 32 for byte in sample):
        return "text"
    return None


def _after_id3(head: bytes) -> bytes:
    """Return what follows ID3v2 tags (id3.org, "ID3v2 header": sizes are 4 x 7 bits)."""
    while head.startswith(b"ID3") and len(head) >= 10:
        size = sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
        head = head[10 + size :]
    return head


def _is_adts(body: bytes) -> bool:
    """Tell whether two ADTS frames follow one another (ISO/IEC 14496-3 §1.A.2.2)."""
    if len(body) < 7 or body[0] != 0xFF or body[1] & 0xF6 != 0xF0:
        return False
    length = (body[3] & 3) << 11 | body[4] << 3 | body[5] >> 5
    return length > 7 and body[length : length + 1] in (b"\xff", b"")


def _has_mpeg_frames(body: bytes) -> bool:
    """Tell whether three MPEG audio frames follow one another, maybe after some padding."""
    start = body.find(b"\xff")
    while 0 <= start < len(body) - 4:
        if _frames_from(body, start) >= 3:
            return True
        start = body.find(b"\xff", start + 1)
    return False


def _frames_from(body: bytes, position: int) -> int:
    count = 0
    while count < 3 and (length := _mpeg_frame_length(body[position : position + 4])):
        count, position = count + 1, position + length
    # A file that ends after two whole frames is as good as three: very short clips.
    return 3 if count == 2 and position == len(body) else count


def _mpeg_frame_length(header: bytes) -> int:
    """Return the length in bytes of an MPEG audio frame (ISO/IEC 11172-3 §2.4.3); 0 if none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    rate_index, bitrate_index = header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or layer == 0 or rate_index == 3 or bitrate_index in (0, 15):
        return 0
    table = _V1_LAYER_KBPS if version == 3 else _V2_LAYER_KBPS
    rate = _V1_RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    bitrate, padding = table[layer][bitrate_index] * 1000, header[2] >> 1 & 1
    if layer == 3:
        return (12 * bitrate // rate + padding) * 4
    return (72 if version != 3 and layer == 1 else 144) * bitrate // rate + padding
