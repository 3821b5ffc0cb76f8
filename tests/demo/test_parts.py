"""The modules of the demo, each by itself: reading, listing, planning, comparing, killing, refusing."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuemgr.demo.check import Checked
from queuemgr.demo.folder import File, list_files, shown, standard_library
from queuemgr.demo.main import run
from queuemgr.demo.plan import MISSING, plan
from queuemgr.demo.reading import HASH, Digest, Pieces, Reading, read_file
from queuemgr.demo.tasks import read_slowly
from queuemgr.demo.workers import Crew


def reading_of(*pieces: bytes) -> Reading:
    digest = Digest()
    for piece in pieces:
        digest.add(piece)
    return digest.reading()


@given(st.lists(st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"a ")), max_size=20))
def test_where_a_file_is_cut_makes_no_difference(pieces: list[bytes]) -> None:
    assert reading_of(*pieces) == reading_of(b"".join(pieces))


def test_words_are_not_torn_where_blocks_meet() -> None:
    text = b"word " * 100_000
    assert reading_of(text).words == 100_000
    assert len(reading_of(text).vocabulary) == HASH


def test_a_reading_tells_size_fingerprint_and_words() -> None:
    text = "Hello hello wörld".encode()
    found = reading_of(text)
    assert (found.size, found.sha256, found.words) == (len(text), sha256(text).hexdigest(), 3)
    assert len(found.vocabulary) == 2 * HASH


def test_the_compressed_size_is_what_zlib_makes_of_it() -> None:
    text = b"again and again " * 10_000
    assert reading_of(text).compressed == len(zlib.compress(text, 1))


def test_a_file_with_a_zero_byte_has_no_words() -> None:
    assert reading_of(b"words before ", b"\0", b" words after") == reading_of(b"words before \0 words after")
    assert reading_of(b"words before \0 words after").words == 0


def test_a_run_of_letters_without_end_takes_no_memory() -> None:
    assert reading_of(b"a" * 1_000_000).words == 10_000


def test_a_large_file_gives_the_same_slowly(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"some words " * 50_000)
    assert read_slowly(str(tmp_path / "large"), 0.0) == read_file(str(tmp_path / "large"))


@pytest.mark.parametrize(("size", "pieces"), [(0, 1), (1, 1), (40, 40), (1000, 40), (3 * 1024 * 1024, 40)])
def test_pieces_know_their_number(tmp_path: Path, size: int, pieces: int) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    cut = Pieces(str(tmp_path / "file"), 40)
    assert len(cut) == pieces
    assert sum(map(len, cut)) == size


def test_only_plain_files_are_listed_and_the_others_are_counted(folder: Path) -> None:
    listing = list_files(str(folder))
    assert len(listing.files) == 14
    assert listing.left_out == Counter({"sockets, pipes and devices": 2, "__pycache__": 1, "symbolic links": 1})


def test_a_listing_ends_at_its_limit(folder: Path) -> None:
    assert len(list_files(str(folder), 3).files) == 3


def test_a_name_that_is_no_text_travels_as_bytes_and_is_shown_in_words(folder: Path) -> None:
    by_name = {file.name: file.argument for file in list_files(str(folder)).files}
    assert by_name["not-utf-8-\\xff"] == os.fsencode(folder) + b"/not-utf-8-\xff"
    assert by_name["deeper/[bold]two\\nlines.md"] == f"{folder}/deeper/[bold]two\nlines.md"


def test_a_shown_name_cannot_command_a_terminal() -> None:
    assert shown("\x1b[31mred\r\u202e") == "\\x1b[31mred\\r\\u202e"


def test_the_standard_library_is_a_folder() -> None:
    assert (Path(standard_library()) / "os.py").is_file()


@pytest.mark.parametrize("number", [1, 2, 3, 5, 20, 40])
def test_each_file_has_exactly_one_job_and_one_job_has_no_file(tmp_path: Path, number: int) -> None:
    for name in range(number):
        (tmp_path / str(name)).write_text("x" * name)
    listing = list_files(str(tmp_path))
    jobs = plan(listing, "tag", 1.0)
    assert sorted(one.file.path for one in jobs if one.file) == sorted(file.path for file in listing.files)
    assert [one.name for one in jobs if one.file is None] == [MISSING]
    ways = Counter(one.way for one in jobs)
    assert ways["large"] == min(10, (number + 2) // 3)
    assert len({one.call.job.id for one in jobs}) == number + 1


def test_large_files_are_spread_among_all(tmp_path: Path) -> None:
    for name in range(100):
        (tmp_path / f"{name:03}").write_text("x" * name)
    ways = [one.way for one in plan(list_files(str(tmp_path)), "tag", 1.0)]
    places = [place for place, way in enumerate(ways) if way == "large"]
    assert max(later - earlier for earlier, later in pairwise(places)) <= 12


@pytest.fixture
def file(tmp_path: Path) -> File:
    (tmp_path / "file").write_text("some words")
    return list_files(str(tmp_path)).files[0]


def test_the_same_reading_is_equal(file: File) -> None:
    checked = Checked()
    checked.add(file, reading_of(b"some words"))
    assert checked.equal
    assert checked.by_jobs.totals().words == 2


def test_another_reading_is_different(file: File) -> None:
    checked = Checked()
    checked.add(file, reading_of(b"other words"))
    assert (checked.equal, checked.different, checked.changed) == (False, ["file"], [])


def test_no_reading_of_a_readable_file_is_different(file: File) -> None:
    checked = Checked()
    checked.add(file, None)
    assert (checked.equal, checked.different) == (False, ["file"])


def test_a_file_that_was_changed_in_between_counts_nowhere(file: File) -> None:
    Path(file.path).write_text("some other words")
    checked = Checked()
    checked.add(file, reading_of(b"some words"))
    assert (checked.equal, checked.different, checked.changed) == (True, [], ["file"])
    assert checked.by_jobs.totals().files == 0


def test_a_file_that_neither_side_could_read_is_named(file: File) -> None:
    Path(file.path).unlink()
    checked = Checked()
    checked.add(file, None)
    assert checked.equal
    assert checked.by_jobs.totals().unreadable == ("file",)


def test_only_the_demos_own_workers_are_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        crew = Crew(f"sqlite:///{tmp_path}/jobs.db", 1, tmp_path / "log")
        assert not crew.kill(stranger.pid)
        assert not crew.kill(os.getpid())
        assert stranger.poll() is None
        crew.stop()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"folder": "/there/is/no/such/folder"}, "No such file or directory: '/there/is/no/such/folder'"),
        ({"folder": __file__}, "Not a directory"),
        ({"processes": 0}, "at least 1 process"),
        ({"limit": 0}, "1 file"),
        ({"store": "nosuch://store"}, "is no store"),
        ({"store": "sqlite:////there/is/no/such/folder/jobs.db"}, "/there/is/no/such/folder"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    options: dict[str, object], told: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(**{"folder": str(tmp_path), **options}) in (1, 2)  # type: ignore[arg-type]
    assert told in capfd.readouterr().err


def test_a_folder_without_files_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deeper").mkdir()
    assert run(str(tmp_path)) == 2
    assert f"there are no plain files in {tmp_path}" in capfd.readouterr().err
