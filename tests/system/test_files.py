"""Files that are whole or not there, whatever happens to their writer; locks of one holder, however that ends."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pnn.system import files
from pnn.system.files import (
    FileError,
    LockError,
    lock,
    parse_json,
    read_bytes,
    read_json,
    read_sums,
    read_text,
    remove,
    write_atomically,
    write_folder_atomically,
)

# writes half of the file given, says so, and waits
WRITER = """
import sys, time
from pathlib import Path
from pnn.system.files import write_atomically

def write(part):
    part.write_text("half")
    part.with_name("beside").write_text("as safetensors does")
    print("writing", flush=True)
    time.sleep(3600)

write_atomically(Path(sys.argv[1]), write)
"""
HOLDER = """
import sys, time
from pathlib import Path
from pnn.system.files import lock

with lock(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    time.sleep(3600)
"""


def start(program: str, path: Path, first: str) -> subprocess.Popen:
    """A process that has said its first word."""
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == f"{first}\n"
    return process


def kill(process: subprocess.Popen) -> None:
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_writer_that_is_killed_leaves_the_old_content_and_the_next_write_clears_up_after_it(tmp_path):
    path = tmp_path / "record.json"
    write_atomically(path, lambda part: part.write_text("old"))
    kill(start(WRITER, path, "writing"))
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    write_atomically(path, lambda part: part.write_text("new"))
    assert names(tmp_path) == ["record.json"]
    assert path.read_text() == "new"


def test_what_a_living_process_writes_is_left_to_it(tmp_path):
    path = tmp_path / "record.json"
    writer = start(WRITER, path, "writing")
    try:
        before = names(tmp_path)
        write_atomically(path, lambda part: part.write_text("new"))
        assert names(tmp_path) == ["record.json", *before]
    finally:
        kill(writer)


def test_what_was_left_by_the_writing_of_another_file_is_left(tmp_path):
    kill(start(WRITER, tmp_path / "a.json", "writing"))
    write_atomically(tmp_path / "b.json", lambda part: part.write_text("b"))
    assert len(names(tmp_path)) == 2


@pytest.mark.parametrize(("seconds", "left"), [(60, True), (86_400 + 60, False)])
def test_what_another_machine_writes_is_left_until_no_writer_can_be_so_slow(tmp_path, seconds, left):
    """Whether a process of another machine is alive cannot be seen here."""
    part = tmp_path / "record.json.0a1b2c3d-1-0a1b2c3d.part"
    part.mkdir()
    (part / "record.json").write_text("half")
    os.utime(part, (time.time() - seconds,) * 2)
    write_atomically(tmp_path / "record.json", lambda part: part.write_text("new"))
    assert part.exists() == left


def test_a_file_can_be_read_by_whoever_may_read_a_new_one(tmp_path):
    """Safetensors makes files that only their owner can read."""
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "a", lambda part: save_file({"a": torch.zeros(3)}, part))
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_nothing(tmp_path):
    def half(part):
        part.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "folder" / "a", half)
    assert names(tmp_path / "folder") == []


@pytest.mark.parametrize("number", [0, 1, 5])
def test_what_may_not_be_there_and_is_not_is_no_damage(tmp_path, number):
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "absent")
    path = tmp_path / "a"
    path.write_text("b" * number)
    assert (read_bytes(path), read_text(path, most=5)) == (b"b" * number, "b" * number)


def _pipe(path):
    os.mkfifo(path)


def _loop(path):
    path.symlink_to(path)


def _link_to_nothing(path):
    path.symlink_to(path.with_name("absent"))


def _too_large(path):
    path.write_bytes(b"x" * 65)


def _no_text(path):
    path.write_bytes(b"\xff\x80")


def _json(text):
    return lambda path: path.write_text(text)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_pipe, "it is no file"),  # It would be waited for for ever.
        (Path.mkdir, "it is no file"),
        (_link_to_nothing, "it is a link to a file that is not there"),
        (_too_large, "it has 65 bytes, more than the 64"),
        (_no_text, "it is no text"),
        (_json(""), "it is no JSON"),
        (_json("{"), "it is no JSON"),
        (_json('{"a": 1, "a": 2}'), "'a' stands there twice"),
        (_json("[NaN]"), "a number must be finite, got NaN"),
        (_json("[-Infinity]"), "a number must be finite, got -Infinity"),
    ],
)
def test_what_is_not_as_it_should_be_is_an_error_that_names_the_file(tmp_path, make, said):
    path = tmp_path / "a.json"
    make(path)
    with pytest.raises(FileError, match=rf"^{re.escape(str(path))} cannot be used: .*{re.escape(said)}"):
        read_json(path, most=64)


def test_a_link_to_itself_is_an_error(tmp_path):
    _loop(tmp_path / "a")
    with pytest.raises(OSError, match="symbolic links"):
        read_json(tmp_path / "a")


def test_json_that_is_nested_too_deeply_is_an_error():
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_read_however_a_system_marks_it(tmp_path, encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    (tmp_path / "a").write_bytes(mark + "Größe".encode(encoding))
    assert read_text(tmp_path / "a") == "Größe"


DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [f"{DIGEST}  a b.txt\n", f"{DIGEST.upper()} *a b.txt\r\n\n", f"{DIGEST}  ./a b.txt", f"{DIGEST}  a b.txt\n" * 2],
)
def test_sums_are_read_in_all_their_forms(tmp_path, text):
    (tmp_path / "SHA256SUMS").write_text(text)
    assert read_sums(tmp_path / "SHA256SUMS") == {"a b.txt": DIGEST}


@pytest.mark.parametrize(
    "text",
    [
        "a.txt",
        f"{DIGEST[:-1]}  a.txt",
        f"{DIGEST}",
        f"{DIGEST}\ta.txt",
        f"g{DIGEST[1:]}  a.txt",
        f"{DIGEST}  a.txt\n{'0' * 64}  a.txt",
    ],
)
def test_sums_of_another_form_are_an_error_that_says_which_line(tmp_path, text):
    (tmp_path / "SHA256SUMS").write_text(text)
    with pytest.raises(FileError, match=r"SHA256SUMS cannot be used: line \d "):
        read_sums(tmp_path / "SHA256SUMS")


def test_removing_a_file_removes_what_a_killed_writer_left_of_it(tmp_path):
    path = tmp_path / "folder" / "a"
    remove(path)
    write_atomically(path, lambda part: part.write_text("a"))
    kill(start(WRITER, path, "writing"))
    assert len(names(path.parent)) == 2
    remove(path)
    assert names(path.parent) == []


def test_a_folder_is_whole_or_the_old_one(tmp_path):
    def half(part):
        (part / "a").write_text("half")
        assert (tmp_path / "board" / "a").read_text() == "old"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_folder_atomically(tmp_path / "board", lambda part: (part / "a").write_text("old"))
    with pytest.raises(OSError, match="No space left"):
        write_folder_atomically(tmp_path / "board", half)
    assert [(path.name, path.read_text()) for path in (tmp_path / "board").iterdir()] == [("a", "old")]
    write_folder_atomically(tmp_path / "board", lambda part: (part / "b").write_text("new"))
    assert [(path.name, path.read_text()) for path in (tmp_path / "board").iterdir()] == [("b", "new")]
    assert names(tmp_path) == ["board"]


def test_a_lock_has_one_holder_and_is_free_when_that_is_killed(tmp_path):
    path = tmp_path / "folder" / "lock"
    holder = start(HOLDER, path, "True")
    with lock(path) as mine:
        assert not mine
    kill(holder)
    with lock(path) as mine, lock(path) as again:
        assert (mine, again) == (True, False)
    with lock(path) as mine:
        assert mine


def test_a_file_system_without_locks_says_so(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(LockError, match=rf"files in {tmp_path} cannot be locked: .*No locks"), lock(tmp_path / "lock"):
        pass


def test_a_lock_that_cannot_be_opened_is_no_other_process(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(IsADirectoryError), lock(tmp_path / "lock"):
        pass


def test_a_process_of_another_container_is_not_taken_for_one_of_this(monkeypatch):
    files._process_space.cache_clear()
    here = files._process_space()
    files._process_space.cache_clear()
    monkeypatch.setattr(os, "readlink", lambda _: "pid:[1]")
    assert files._process_space() != here
    files._process_space.cache_clear()


def test_an_error_of_another_library_keeps_its_words_and_names_the_file(tmp_path):
    def write(part):
        raise OSError("the codec is unknown")

    with pytest.raises(OSError, match=r"the codec is unknown.*a\.parquet"):
        write_atomically(tmp_path / "a.parquet", write)


def test_a_folder_that_cannot_be_renamed_leaves_the_old_one(tmp_path, monkeypatch):
    write_folder_atomically(tmp_path / "board", lambda part: (part / "a").write_text("old"))
    rename = os.replace

    def replace(old, new):
        if Path(new).name == "board" and Path(old).name == "board":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(old, new)

    monkeypatch.setattr(files.os, "replace", replace)
    with pytest.raises(OSError, match="board"):
        write_folder_atomically(tmp_path / "board", lambda part: (part / "a").write_text("new"))
    assert (tmp_path / "board" / "a").read_text() == "old"
