import os
from pathlib import Path

from antiphon.importing.walking import find_audio


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def found(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in find_audio(folder).files]


def test_audio_at_any_depth_in_order_others_counted(tmp_path: Path) -> None:
    make(tmp_path, "b/2.FLAC", "b/1.mp3", "a/x/y/z.opus", "cover.jpg", "b/notes.txt", "noext")
    assert found(tmp_path) == ["a/x/y/z.opus", "b/1.mp3", "b/2.FLAC"]
    assert find_audio(tmp_path).ignored == 3


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path, ".trash/1.mp3", "a/._1.mp3", "a/1.mp3")
    assert found(tmp_path) == ["a/1.mp3"]
    assert find_audio(tmp_path).ignored == 0


def test_loops_of_links_end_and_linked_music_is_found_once(tmp_path: Path) -> None:
    make(tmp_path, "music/a/1.mp3", "elsewhere/2.mp3")
    (tmp_path / "music/a/up").symlink_to(tmp_path / "music")
    (tmp_path / "music/self").symlink_to(tmp_path / "music/self")
    (tmp_path / "music/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/z").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/gone.mp3").symlink_to(tmp_path / "nowhere.mp3")
    findings = find_audio(tmp_path / "music")
    assert [path.name for path in findings.files] == ["1.mp3", "2.mp3"]


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "folder.mp3").mkdir()
    make(tmp_path, "folder.mp3/in.mp3")
    assert found(tmp_path) == ["folder.mp3/in.mp3"]


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    for name in (b"caf\xe9.mp3", b"two\nlines.mp3", "♪.ogg".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    assert len(find_audio(tmp_path).files) == 3
