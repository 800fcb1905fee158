"""The outside world behind `media.ports`: ffmpeg and the folder that holds the files."""
