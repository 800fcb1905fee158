"""The transcoder port on ffmpeg."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from media.adapters import hls, probe
from media.adapters.ffmpeg import Ffmpeg
from media.ports import Description, Transcoded


@dataclass(frozen=True)
class FfmpegTranscoder:
    """Describes and transcodes with one ffmpeg binary."""

    ffmpeg: Ffmpeg
    max_seconds: int = 12 * 3600

    def describe(self, source: Path, check: Callable[[], None] = lambda: None) -> Description:
        """See Transcoder.describe."""
        return probe.describe(self.ffmpeg, source, self.max_seconds, check)

    def transcode(
        self, source: Path, folder: Path, described: Description, progress: Callable[[float], None]
    ) -> Transcoded:
        """See Transcoder.transcode."""
        return hls.transcode(self.ffmpeg, source, folder, described, progress)
