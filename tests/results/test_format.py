"""Large results in files: what is written is what is read, by pages, whole and as a stream, in both formats."""

from __future__ import annotations

import io
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from queuemgr.codec import Codec
from queuemgr.errors import CorruptStore, EncodingError, ResultError
from queuemgr.result import REFERENCE, SMALL, Owner, Reference, Results, looks_small
from queuemgr.results.files import FilePlace
from queuemgr.results.frames import FRAME
from queuemgr.results.keeper import ResultKeeper
from queuemgr.results.reader import StoredResult
from queuemgr.results.small import SmallResult

FORMATS = ("json", "msgpack")
ROWS = [{"id": number, "value": number / 3, "name": f"row {number}", "none": None} for number in range(20_000)]
ME = Owner("job-1", 1)


def keeper(folder: Path, form: str = "json", **settings: Any) -> ResultKeeper:
    place = FilePlace(folder)
    return ResultKeeper(lambda: place, Codec(form), settings.pop("limit", None), Results(**settings))


def stored(folder: Path, data: bytes | None, form: str = "json") -> StoredResult:
    reference = Reference.read(data)
    assert reference is not None, data
    return StoredResult(FilePlace(folder).open(reference.digest), Codec(form), expected=reference)


def the_file(folder: Path) -> Path:
    [file] = folder.glob("kept/*/result.zst")
    return file


LARGE: dict[str, Any] = {
    "a list": ROWS,
    "a dict with a list": {"data": ROWS, "metadata": {"count": len(ROWS)}},
    "a dict with two lists": {"before": 1, "one": ROWS, "": [[n] for n in range(40_000)], "after": "x" * 100_000},
    "a dict with many keys": {f"key {n}": {"n": n, "text": "äöü"} for n in range(30_000)},
    "a dict of dicts with lists": {"deep": {"er": ROWS}},
    "a text": 'a "text"\nof lines\r\n' * 30_000,
    "bytes": bytes(range(256)) * 2_000,
    "a tuple": tuple(ROWS),
    "tagged items": [{"at": datetime(2026, 11, 22, 12, 0, n % 60, tzinfo=UTC), "n": {n}} for n in range(5_000)],
    "a dict with a tag's name": {"$": "not a tag", "rows": ROWS},
    "few large items": ["x" * 500_000, "y" * 400_000, "z"],
    "long numbers": [10**n for n in range(1, 2_000)],
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", LARGE)
def test_what_comes_back_is_what_was_kept(name: str, form: str, tmp_path: Path) -> None:
    data = keeper(tmp_path, form).keep(LARGE[name], ME)
    assert len(data) == REFERENCE
    with stored(tmp_path, data, form) as result:
        assert result.load() == LARGE[name]
        assert Codec(form).decode(result.encoded()) == LARGE[name]
        assert result.info().size >= SMALL


@pytest.mark.parametrize("name", LARGE)
def test_a_file_holds_exactly_what_the_codec_would_have_written(name: str, tmp_path: Path) -> None:
    with stored(tmp_path, keeper(tmp_path).keep(LARGE[name], ME)) as result:
        assert result.encoded() == Codec().encode(LARGE[name])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("at", [None, "data"])
def test_pages_are_slices_of_the_whole(at: str | None, form: str, tmp_path: Path) -> None:
    value = ROWS if at is None else {"data": ROWS, "metadata": 1}
    with stored(tmp_path, keeper(tmp_path, form).keep(value, ME), form) as result:
        assert len(result.index.packed) > 2, "the pages shall cross frames"
        for start, length in ((0, 10), (3, 0), (4_321, 7_000), (19_999, 5), (20_000, 1), (50_000, 1)):
            assert result.page(start, length, at) == ROWS[start : start + length]
        assert result.page(-10, 100, at) == ROWS[-10:]
        assert result.page(-50_000, 3, at) == ROWS[:3]
        assert [item for page in result.pages(777, at) for item in page] == ROWS
        assert {len(page) for page in result.pages(777, at)} == {777, len(ROWS) % 777}


def test_a_page_reads_only_its_own_frames(tmp_path: Path) -> None:
    with stored(tmp_path, keeper(tmp_path).keep(ROWS, ME)) as result:
        read: list[int] = []
        whole = result.frame
        result.frame = lambda number: read.append(number) or whole(number)  # type: ignore[method-assign, func-returns-value]
        result.page(10_000, 5)
        assert len(read) == 1


def test_a_page_of_what_is_no_list_says_what_can_be_read(tmp_path: Path) -> None:
    with stored(tmp_path, keeper(tmp_path).keep({"data": ROWS, "n": 1}, ME)) as result:
        for at in (None, "n", "dada"):
            with pytest.raises(ResultError, match="at='data'"):
                result.page(at=at)
    with (
        stored(tmp_path, keeper(tmp_path).keep("x" * 100_000, ME)) as result,
        pytest.raises(ResultError, match="read it as a stream"),
    ):
        result.page()


def test_size_shape_and_sample_are_known_without_loading(tmp_path: Path) -> None:
    data = keeper(tmp_path).keep({"data": ROWS, "metadata": {"count": 20_000}}, ME)
    with stored(tmp_path, data) as result:
        result.frame = None  # type: ignore[assignment, method-assign]
        info = result.info()
    assert info.size > info.stored == the_file(tmp_path).stat().st_size
    assert (info.kind, info.length, info.complete, info.lists) == ("dict", 2, True, {"data": 20_000})
    assert info.shape == "{data: list of 20,000, each dict of 4, metadata: {count: int}}"
    assert info.sample["data"][:2] == ROWS[:2]
    assert len(info.sample["data"]) < 10


def test_a_reference_is_told_from_every_value() -> None:
    reference = Reference("ab" * 32, "list", 5, 3, 2)
    data = reference.encode()
    assert Reference.read(data) == reference
    assert len(data) == REFERENCE
    for form in FORMATS:
        for value in (None, 1, [1], {"a": 1}, "x" * (REFERENCE - 2), b"y" * 40, reference.digest):
            assert Reference.read(Codec(form).encode(value)) is None
    assert Reference.read(None) is None


LEAVES = st.none() | st.integers(-(1 << 53), 1 << 53) | st.text()
KEYS = st.text().filter(lambda key: key != "$")


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
@settings(max_examples=100, deadline=None)
def test_small_values_have_the_same_verbs(value: Any) -> None:
    for form in FORMATS:
        result = SmallResult(Codec(form).encode(value), Codec(form))
        assert result.load() == value
        assert result.info().complete
        text = result.stream().read()
        if isinstance(value, list):
            assert [json.loads(line) for line in text.splitlines()] == value
            assert result.page(1, 2) == value[1:3]
        else:
            assert json.loads(text) == value


@pytest.mark.parametrize("form", FORMATS)
def test_a_list_streams_as_lines(form: str, tmp_path: Path) -> None:
    for value, at in ((ROWS, None), ({"n": 1, "data": ROWS}, "data")):
        with stored(tmp_path, keeper(tmp_path, form).keep(value, ME), form).stream(at) as stream:
            assert [json.loads(line) for line in stream] == ROWS


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["a dict with two lists", "a dict with many keys", "a text", "few large items"])
def test_anything_else_streams_as_one_json_text(name: str, form: str, tmp_path: Path) -> None:
    value = LARGE[name]
    with stored(tmp_path, keeper(tmp_path, form).keep({"it": value}, ME), form).stream() as stream:
        assert json.load(stream) == {"it": value}


def test_a_stream_can_be_sought_in_at_every_place(tmp_path: Path) -> None:
    for value in (ROWS, {"a": 1, "data": ROWS, "z": {"b": [1]}}, b"bytes" * 100_000):
        stream = stored(tmp_path, keeper(tmp_path).keep(value, ME)).stream()
        whole = stream.read()
        assert stream.seek(0, io.SEEK_END) == len(whole)
        for start in (0, 1, 17, FRAME - 1, FRAME, FRAME + 1, len(whole) // 2, len(whole) - 3, len(whole) + 9):
            stream.seek(start)
            assert stream.read(1000) == whole[start : start + 1000]
        stream.close()


def test_equal_results_have_equal_bytes_however_they_came(tmp_path: Path) -> None:
    one = keeper(tmp_path).keep(ROWS, Owner("a", 1))
    with keeper(tmp_path).writer(Owner("b", 1)) as out:
        out.extend(ROWS)
    assert out.result == one
    assert len(list(tmp_path.glob("kept/*/result.zst"))) == 1


def test_anybody_can_read_a_file_with_zstandard_alone(tmp_path: Path) -> None:
    keeper(tmp_path).keep(ROWS, ME)
    with zstandard.ZstdDecompressor().stream_reader(the_file(tmp_path).open("rb"), read_across_frames=True) as reader:
        assert [json.loads(line) for line in reader.read().splitlines()] == ROWS


def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    keeper(folder).keep(ROWS, ME)
    with keeper(folder).writer(Owner("b", 1)) as out:
        out.extend(ROWS[:5000])
        out.flush()
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert len(modes) > 6
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_changed_byte_is_noticed(part: float, tmp_path: Path) -> None:
    data = keeper(tmp_path).keep(ROWS, ME)
    file = the_file(tmp_path)
    whole = bytearray(file.read_bytes())
    whole[int(len(whole) * part)] ^= 0x55
    file.write_bytes(whole)
    with pytest.raises(CorruptStore, match=r"is damaged: .*queuemgr jobs retry"), stored(tmp_path, data) as result:
        result.load()


@pytest.mark.parametrize("missing", [1, 100, 200_000])
def test_a_missing_end_is_noticed(missing: int, tmp_path: Path) -> None:
    data = keeper(tmp_path).keep(ROWS, ME)
    file = the_file(tmp_path)
    file.write_bytes(file.read_bytes()[:-missing])
    with pytest.raises(CorruptStore, match="bytes instead of"):
        stored(tmp_path, data)


def test_a_damaged_index_is_noticed(tmp_path: Path) -> None:
    data = keeper(tmp_path).keep(ROWS, ME)
    file = the_file(tmp_path)
    whole = bytearray(file.read_bytes())
    whole[-20] ^= 0x55
    file.write_bytes(whole)
    with pytest.raises(CorruptStore, match="its index cannot be read"):
        stored(tmp_path, data)


def test_a_result_beyond_the_limit_leaves_nothing(tmp_path: Path) -> None:
    for limited in (keeper(tmp_path, limit=300_000), keeper(tmp_path, quota=300_000)):
        with pytest.raises(EncodingError, match=r"more than 300,000 bytes.*raise max_result"):
            limited.keep(ROWS, ME)
        with pytest.raises(EncodingError, match="more than 300,000"), limited.writer(ME) as out:
            out.extend(ROWS)
        assert out.result is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_cannot_be_written_is_named_by_its_place_and_leaves_nothing(tmp_path: Path) -> None:
    rows: list[Any] = [*ROWS, {"bad": [object()]}]
    with pytest.raises(EncodingError, match=r"^result\[20000\]\['bad'\]\[0\] is an object, "):
        keeper(tmp_path).keep(rows, ME)
    with pytest.raises(EncodingError, match=r"^result\['data'\]\[20000\]\['bad'\]\[0\] is an object"):
        keeper(tmp_path).keep({"data": rows}, ME)
    with pytest.raises(EncodingError, match=r"^result\[20000\]\['bad'\]\[0\]"), keeper(tmp_path).writer(ME) as out:
        out.extend(rows)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_list_that_contains_itself_is_refused(tmp_path: Path) -> None:
    loop: list[Any] = ["x" * 40_000, "y" * 40_000]
    loop += [loop, loop]
    with pytest.raises(EncodingError, match="contains itself"):
        keeper(tmp_path).keep(loop, ME)


def test_not_a_number_comes_back_as_such_among_many(tmp_path: Path) -> None:
    rows = [[number / 7, float("inf") if number == 9_999 else 0.5] for number in range(10_000)]
    with stored(tmp_path, keeper(tmp_path).keep(rows, ME)) as result:
        assert result.load() == rows


@pytest.mark.parametrize("value", [1, None, "text", [1] * 500, {"a": [1, 2]}, ["x" * 100] * 100, {"k": "x" * 9_000}])
def test_what_is_small_looks_small(value: object) -> None:
    assert looks_small(value)


@pytest.mark.parametrize("name", LARGE)
def test_what_is_large_is_found_to_be_large_before_it_is_encoded(name: str) -> None:
    if name != "long numbers":
        assert not looks_small(LARGE[name])


@pytest.mark.parametrize("form", FORMATS)
def test_a_value_that_looked_large_and_is_small_stays_a_value(form: str, tmp_path: Path) -> None:
    value = ["x" * 60_000, *[1] * 200]
    assert not looks_small(value)
    data = keeper(tmp_path / "results", form).keep(value, ME)
    assert Codec(form).decode(data) == value
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("form", FORMATS)
def test_a_small_result_that_was_written_piece_by_piece_is_a_plain_value(form: str, tmp_path: Path) -> None:
    for items in ([], [1], ROWS[:100]):
        with keeper(tmp_path / "results", form).writer(ME) as out:
            out.extend(items)
        assert out.result is not None
        assert Codec(form).decode(out.result) == items
    with keeper(tmp_path / "results", form).writer(ME) as out:
        out.write(b"some ")
        out.write(b"bytes")
    assert out.result == Codec(form).encode(b"some bytes")
    assert not (tmp_path / "results").exists()


def test_an_item_is_written_as_it_is_when_it_is_appended(tmp_path: Path) -> None:
    row = {"n": 0, "text": "x" * 100}
    with keeper(tmp_path).writer(ME) as out:
        for number in range(3_000):
            row["n"] = number
            out.append(row)
    with stored(tmp_path, out.result) as result:
        assert [item["n"] for item in result.load()] == [*range(3_000)]
        assert result.info().length == out.length == 3_000


def test_a_writer_is_a_list_or_bytes_and_closes_once(tmp_path: Path) -> None:
    out = keeper(tmp_path).writer(ME)
    out.append(1)
    with pytest.raises(EncodingError, match="either append and extend, or write"):
        out.write(b"1")
    out.close()
    out.close()
    with pytest.raises(EncodingError, match="is complete"):
        out.append(2)
    assert out.result == b"[1]"


def test_without_a_place_a_result_stays_in_the_store_up_to_a_limit() -> None:
    nowhere = ResultKeeper(lambda: None, Codec(), None, Results())
    assert nowhere.keep(ROWS, ME) == Codec().encode(ROWS)
    with pytest.raises(EncodingError, match=r"takes 70,000,002 bytes and the limit is 67,108,864"):
        nowhere.keep("x" * 70_000_000, ME)
    with pytest.raises(EncodingError, match=r"no place for large results.*folder"), nowhere.writer(ME) as out:
        out.extend(ROWS)
