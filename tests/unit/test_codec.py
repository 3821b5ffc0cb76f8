"""What goes through the codec comes back as it was, or is refused with a sentence that helps.

Every test of a round trip compares types as well as values, at every depth. No test here measures time.
"""

from __future__ import annotations

import math
import socket
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import InitVar, dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queuemgr.codec import MAX_DEPTH, Codec, Types
from queuemgr.errors import ConfigError, EncodingError, UndecodableError

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]

T = TypeVar("T")


class Color(Enum):
    RED = "r"
    CRIMSON = "r"  # noqa: PIE796 - an alias comes back as what it stands for
    PAIR = (1, 2)


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Word(StrEnum):
    YES = "yes"


class Access(Flag):
    READ = 1
    WRITE = 2


class Bits(IntFlag):
    ONE = 1
    TWO = 2


@dataclass
class Order:
    id: int
    color: Color
    lines: list[Line] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    sku: str
    price: Decimal


@dataclass
class Doubled:
    size: int
    twice: int = field(init=False)
    secret: InitVar[str] = "s"

    def __post_init__(self, secret: str) -> None:
        self.size += 1
        self.twice = 2 * self.size


@dataclass
class Lazy:
    number: int
    late: int = field(init=False)

    @cached_property
    def square(self) -> int:
        return self.number**2


@dataclass
class Box(Generic[T]):
    content: T


@dataclass
class Slotted:
    __slots__ = ("_memo", "number")
    number: int


@dataclass
class Broken(Exception):
    code: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    x: float
    y: float = 0.0
    label: str | msgspec.UnsetType = msgspec.UNSET


class Counted(msgspec.Struct):
    number: int

    def __post_init__(self) -> None:
        self.number += 1


class Open(msgspec.Struct, dict=True):
    number: int


class Pair(NamedTuple):
    left: int
    right: int


class MyInt(int):
    pass


class MyStr(str):
    __slots__ = ()


class MyDatetime(datetime):
    pass


class Odd(tzinfo):
    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=1)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, moment: datetime | None) -> str:
        return "odd"


class Plain:
    pass


@dataclass
class Node:
    """Refers to itself, and to what cannot be resolved."""

    children: list[Node]
    access: Access
    missing: Missing | None = None


Alias = NewType("Alias", Line)
REGISTERED = (
    Color,
    Level,
    Word,
    Access,
    Bits,
    Order,
    Line,
    Doubled,
    Lazy,
    Box,
    Point,
    Counted,
    Open,
    Slotted,
)


def make_codec(format_name: str) -> Codec:
    types = Types()
    for cls in REGISTERED:
        types.register(cls)
    return Codec(format_name, types)


CODECS = {name: make_codec(name) for name in ("json", "msgpack")}


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    return CODECS[request.param]


def likeness(value: Any) -> Any:
    """A form in which two values are equal only if they have the same types and meaning throughout."""
    kind = type(value)
    if isinstance(value, (int, str)) and not isinstance(value, Enum):
        return kind, value
    if kind is dict:
        return kind, tuple((likeness(key), likeness(item)) for key, item in value.items())
    if kind in (list, tuple):
        return kind, tuple(likeness(item) for item in value)
    if kind in (set, frozenset):
        return kind, frozenset(likeness(item) for item in value)
    if kind is datetime or kind is time:
        zone = value.tzinfo
        zone_likeness = (type(zone), str(zone), repr(zone), zone.tzname(None) if zone else None)
        return kind, value.replace(tzinfo=None), value.fold, zone_likeness, value.utcoffset()
    if kind in (float, Decimal):
        return kind, repr(value)
    if is_dataclass(value):
        names = [spec.name for spec in fields(value) if hasattr(value, spec.name)]
        return kind, tuple((name, likeness(getattr(value, name))) for name in names)
    if isinstance(value, msgspec.Struct):
        return kind, tuple((name, likeness(getattr(value, name))) for name in value.__struct_fields__)
    return kind, value


def assert_returns(codec: Codec, value: object) -> bytes:
    before = likeness(value)
    data = codec.encode(value)
    assert type(data) is bytes
    assert likeness(codec.decode(data)) == before
    assert likeness(value) == before, "encoding changed the value it was given"
    return data


# A day or two from either end of the calendar, Python itself cannot do sums with offsets.
YEAR_2, YEAR_9998 = (datetime.fromisoformat(f"{year:04}-01-01") for year in (2, 9998))

zones: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.just(UTC),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]).map(ZoneInfo),
    st.builds(
        timezone,
        st.timedeltas(timedelta(hours=-23), timedelta(hours=23)),
    ),
    st.builds(timezone, st.integers(-23, 23).map(lambda hours: timedelta(hours=hours)), st.text(max_size=4)),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["$", "$x", '"$"', "v"])
plain_leaves = st.none() | st.booleans() | st.integers() | texts
hashable_leaves = st.one_of(
    plain_leaves,
    st.floats(allow_nan=False),
    st.integers(-(10**40), 10**40),
    st.binary(max_size=6),
    st.builds(
        datetime.replace,
        st.datetimes(YEAR_2, YEAR_9998, timezones=zones),
        fold=st.integers(0, 1),
    ),
    st.dates(),
    st.builds(time.replace, st.times(timezones=zones), fold=st.integers(0, 1)),
    st.timedeltas(),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.sampled_from([*Color, *Level, *Word, *Access, Access(0), Access.READ | Access.WRITE, Bits(3), Bits(8)]),
    st.builds(Line, texts, st.decimals(allow_nan=False)),
    st.builds(Point, x=st.floats(allow_nan=False), y=st.floats(allow_nan=False)),
)
leaves = st.one_of(
    hashable_leaves,
    st.floats(),
    st.sampled_from([Decimal("NaN"), Decimal("-sNaN12"), Decimal("1E+999999")]),
    st.binary(max_size=6).map(bytearray),
    st.just(msgspec.UNSET),
)
hashables = st.recursive(
    hashable_leaves,
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(texts, inner, max_size=4),
        st.dictionaries(hashables, inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(hashables, max_size=3),
        st.builds(Box, inner),
        st.builds(Order, st.integers(), st.sampled_from(Color), st.lists(inner, max_size=2)),
    ),
    max_leaves=12,
)
plain_values = st.recursive(
    plain_leaves | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda key: key != "$"), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("format_name", CODECS)
@settings(deadline=None)
@given(value=values)
def test_any_value_comes_back_as_it_was(format_name: str, value: object) -> None:
    assert_returns(CODECS[format_name], value)


@settings(deadline=None)
@given(value=plain_values)
def test_plain_values_are_natural_json(value: object) -> None:
    data = assert_returns(CODECS["json"], value)
    assert data == msgspec.json.encode(value)


@settings(deadline=None)
@given(value=plain_values.filter(lambda value: "argument" not in repr(value)))
def test_the_quick_way_and_the_careful_way_write_the_same_json(value: object) -> None:
    codec = CODECS["json"]
    assert codec._encode_carefully(value, "argument") == codec.encode(value)


def test_arguments_can_be_read_by_people() -> None:
    assert CODECS["json"].encode([[1, "a"], {"k": 2}]) == b'[[1,"a"],{"k":2}]'


WIRE = [
    ((1, "a"), '{"$":"tuple","v":[1,"a"]}'),
    ({3, 1, 2}, '{"$":"set","v":[1,2,3]}'),
    (frozenset(["b", "a"]), '{"$":"frozenset","v":["a","b"]}'),
    ({1: "a"}, '{"$":"dict","v":[[1,"a"]]}'),
    ({"$": 1}, '{"$":"dict","v":[["$",1]]}'),
    ({"$x": 1}, '{"$x":1}'),
    (b"\x00\xff", '{"$":"bytes","v":"AP8="}'),
    (bytearray(b"a"), '{"$":"bytearray","v":"YQ=="}'),
    (math.inf, '{"$":"float","v":"inf"}'),
    (-math.inf, '{"$":"float","v":"-inf"}'),
    (math.nan, '{"$":"float","v":"nan"}'),
    (-0.0, "-0.0"),
    (2**70, "1180591620717411303424"),
    (date(2024, 2, 29), '{"$":"date","v":"2024-02-29"}'),
    (time(1, 2, tzinfo=UTC), '{"$":"time","v":"01:02:00+00:00"}'),
    (timedelta(-1, 2, 3), '{"$":"timedelta","v":[-1,2,3]}'),
    (UUID(int=7), '{"$":"uuid","v":"00000000-0000-0000-0000-000000000007"}'),
    (Decimal("1.50"), '{"$":"decimal","v":"1.50"}'),
    (datetime.fromisoformat("2024-01-02T03:04"), '{"$":"datetime","v":"2024-01-02T03:04:00"}'),
    (
        datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        '{"$":"datetime","v":"2024-10-27T02:30:00+01:00","zone":"Europe/Berlin","fold":1}',
    ),
    (
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=1), "CET")),
        '{"$":"datetime","v":"2024-01-02T00:00:00+01:00","name":"CET"}',
    ),
    (Color.CRIMSON, f'{{"$":"{__name__}:Color","v":"RED"}}'),
    (Access.READ | Access.WRITE, f'{{"$":"{__name__}:Access","v":3}}'),
    (
        Line("s", Decimal(2)),
        f'{{"$":"{__name__}:Line","v":{{"sku":"s","price":{{"$":"decimal","v":"2"}}}}}}',
    ),
]


@pytest.mark.parametrize(("value", "wire"), WIRE, ids=[wire for _, wire in WIRE])
def test_the_json_form_of_each_type_stays_what_it_is(value: object, wire: str) -> None:
    assert assert_returns(CODECS["json"], value) == wire.encode()


def test_tags_may_be_written_with_spaces_by_others() -> None:
    assert CODECS["json"].decode(b' { "v" : [ 1 ] , "$" : "tuple" } ') == (1,)


def test_bytes_are_native_in_msgpack() -> None:
    assert CODECS["msgpack"].encode([b"\x00\xff"]) == b"\x91\xc4\x02\x00\xff"


def test_bytes_that_look_like_a_tag_are_only_bytes(codec: Codec) -> None:
    for value in ([b"\xa1$"], ["$"], {"a": "$"}, [0xA124], {"v": ["$", '"$"']}, "$", b"\xa1$"):
        assert_returns(codec, value)


@pytest.mark.parametrize("exponent", [63, 64, 65, 1000, 1989, 1990, 1993, 1994, 14_282, 14_290, 50_000])
def test_integers_of_any_size_come_back(codec: Codec, exponent: int) -> None:
    for value in (2**exponent - 1, 2**exponent, -(2**exponent) - 1):
        assert_returns(codec, [{"n": value}])
        assert_returns(codec, {value})


def test_equal_sets_give_equal_bytes(codec: Codec) -> None:
    numbers = [2**number for number in range(60)]
    one, other = set(numbers), set(numbers[30:] + numbers[:30])
    assert list(one) != list(other)
    assert codec.encode([one, frozenset(one)]) == codec.encode([other, frozenset(other)])


def test_the_last_wall_time_before_a_zone_lost_it_comes_back(codec: Codec) -> None:
    for fold in (0, 1):
        assert_returns(codec, datetime(2024, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold))


def test_moments_at_the_ends_of_the_calendar_come_back(codec: Codec) -> None:
    for moment in (
        datetime.min,  # noqa: DTZ901 - naive ones are allowed
        datetime.max,  # noqa: DTZ901 - as above
        datetime.min.replace(tzinfo=UTC),
        time.max,
        date.min,
        timedelta.max,
    ):
        assert_returns(codec, moment)


REFUSED = [
    (MyInt(1), "would come back as a plain int; send a plain int instead"),
    (MyStr("a"), "would come back as a plain str"),
    (MyDatetime(2024, 1, 1), "would come back as a plain datetime"),
    (OrderedDict(a=1), "would come back as a plain dict"),
    (defaultdict(int), "would come back as a plain dict"),
    (Counter("a"), "would come back as a plain dict"),
    (Pair(1, 2), "would come back as a plain tuple"),
    (Path("/etc"), "send str(path) instead"),
    (
        Plain(),
        "send its id instead, or make it a dataclass and register its class with app.register_type(...)",
    ),
    (Plain, "send its id instead"),
    (len, "send its id instead"),
    (1j, "send its id instead"),
    (range(3), "send its id instead"),
    (memoryview(b"a"), "send its id instead"),
    ("a\ud800", "is a str with a lone surrogate at position 1"),
    (datetime(2024, 1, 1, tzinfo=Odd()), "has the time zone"),
    (time(1, tzinfo=Odd()), "use zoneinfo.ZoneInfo with a key, or datetime.timezone, instead"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=[type(value).__name__ for value, _ in REFUSED])
def test_what_would_change_is_refused_with_its_path(codec: Codec, value: object, reason: str) -> None:
    for whole, path in (
        (value, "argument "),
        ([1, {"when": value}], "argument[1]['when'] "),
        ([({"a": [value]},)], "argument[0][0]['a'][0] "),
        (Box([value]), "argument.content[0] "),
        ([2**100, value], "argument[1] "),
    ):
        with pytest.raises(EncodingError) as refusal:
            codec.encode(whole)
        assert str(refusal.value).startswith((path + "is a ", path + "is an ", path + "has the time zone "))
        assert reason in str(refusal.value)


def test_a_socket_is_refused_by_its_class(codec: Codec) -> None:
    with socket.socket() as connection, pytest.raises(EncodingError) as refusal:
        codec.encode([None, {"when": connection}])
    assert str(refusal.value) == (
        "argument[1]['when'] is a socket, which cannot be written as bytes; "
        "send its id instead, or make it a dataclass and register its class with app.register_type(...)"
    )


@pytest.mark.parametrize(
    ("args", "kwargs", "told"),
    [
        ((print,), {}, "argument 1 is a builtin_function_or_method, which"),
        ((1, [{"when": print}]), {}, "argument 2 (at [0]['when']) is a builtin_function_or_method, which"),
        ((1,), {"then": OrderedDict()}, "argument 'then' is an OrderedDict, which"),
        ((), {"then": {"a": print}}, "argument 'then' (at ['a']) is a builtin_function_or_method, which"),
        ((), {"\ud800": 1}, "argument key '\\ud800' is a str with a lone surrogate"),
    ],
)
def test_an_argument_is_told_as_people_count_and_name_it(
    codec: Codec, args: tuple[Any, ...], kwargs: dict[str, Any], told: str
) -> None:
    with pytest.raises(EncodingError) as refusal:
        codec.encode_call(args, kwargs)
    assert str(refusal.value).startswith(told)


def test_a_key_that_would_change_is_refused_as_a_key(codec: Codec) -> None:
    with pytest.raises(EncodingError, match=r"^result\[0\]\[key 5\] is a MyInt,"):
        codec.encode([{MyInt(5): 1}], name="result")
    with pytest.raises(EncodingError, match=r"^argument\[key '\\ud800'\] is a str with a lone surrogate"):
        codec.encode({"\ud800": 1})
    with pytest.raises(EncodingError, match=r"^argument\[key \('\\ud800',\)\]\[0\] is a str with"):
        codec.encode({("\ud800",): 1})


@pytest.mark.parametrize("value", [Color.RED, Level.LOW, Word.YES, Line("s", Decimal(1)), Point(x=1.0)])
def test_a_class_that_is_not_registered_is_refused_with_how_to_register_it(value: object) -> None:
    with pytest.raises(EncodingError, match=rf"register its class with app\.register_type\({type(value).__name__}\)"):
        Codec().encode({"a": value})


CONTAINERS: list[Callable[[Any], Any]] = [
    lambda inner: [inner],
    lambda inner: {"k": inner},
    lambda inner: (inner,),
    lambda inner: {1: inner},
    lambda inner: frozenset([inner]),
    Box,
]


@pytest.mark.parametrize("wrap", CONTAINERS, ids=["list", "dict", "tuple", "odd dict", "frozenset", "dataclass"])
def test_nesting_has_one_limit_for_all_containers(codec: Codec, wrap: Callable[[Any], Any]) -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH):
        value = wrap(value)
    assert_returns(codec, value)
    with pytest.raises(EncodingError, match=r"… is nested deeper than 100 levels, or contains itself; send"):
        codec.encode(wrap(value))


def test_what_contains_itself_is_refused(codec: Codec) -> None:
    ring: list[Any] = []
    ring.extend([ring, ring])
    loop: dict[str, Any] = {}
    loop["self"] = [(loop,), loop]
    order = Order(1, Color.RED)
    order.lines = [order]  # type: ignore[list-item]
    for value in (ring, loop, order, (ring,), [2**100, ring]):
        with pytest.raises(EncodingError, match="contains itself"):
            codec.encode(value)


def test_fields_come_back_without_init_being_run_again(codec: Codec) -> None:
    sent = Doubled(1)
    assert (sent.size, sent.twice) == (2, 4)
    assert_returns(codec, sent)
    sent.twice = 100
    assert_returns(codec, sent)


def test_a_field_that_was_never_set_stays_unset(codec: Codec) -> None:
    back = codec.decode(codec.encode(Lazy(3)))
    assert back.number == 3
    assert not hasattr(back, "late")


def test_a_cached_property_is_computed_anew(codec: Codec) -> None:
    lazy = Lazy(3)
    assert lazy.square == 9
    back = codec.decode(codec.encode(lazy))
    assert vars(back) == {"number": 3}
    assert back.square == 9


def test_a_generic_dataclass_comes_back(codec: Codec) -> None:
    assert codec.decode(codec.encode(Box[int](1))) == Box(1)


@pytest.mark.parametrize(("value", "attribute"), [(Box(1), "extra"), (Open(1), "extra"), (Slotted(1), "_memo")])
def test_an_attribute_that_is_no_field_is_refused_rather_than_lost(codec: Codec, value: Any, attribute: str) -> None:
    value = type(value)(1)
    assert_returns(codec, value)
    setattr(value, attribute, 1)
    with pytest.raises(EncodingError, match=rf"^argument\[0\] has the attribute '{attribute}', which is not a field"):
        codec.encode([value])


def test_a_struct_keeps_what_its_post_init_would_change(codec: Codec) -> None:
    sent = Counted(1)
    assert sent.number == 2
    assert codec.decode(codec.encode(sent)).number == 2


def test_fields_added_since_take_their_defaults(codec: Codec) -> None:
    data = codec.encode(Order(1, Color.RED, note="gone"))
    shorter = data.replace(b'"note":"gone"', b'"note":""') if codec.format == "json" else data
    old = Codec(codec.format, codec.types)
    assert old.decode(shorter).id == 1
    name = f"{__name__}:Order".encode()
    wire = b'{"$":"' + name + b'","v":{"id":1,"color":{"$":"' + f"{__name__}:Color".encode() + b'","v":"RED"}}}'
    assert CODECS["json"].decode(wire) == Order(1, Color.RED, [], "")
    point = CODECS["json"].decode(b'{"$":"' + f"{__name__}:Point".encode() + b'","v":{"x":1.5}}')
    assert point == Point(x=1.5)


def tagged(name: str, plain: str) -> bytes:
    return f'{{"$":"{__name__}:{name}","v":{plain}}}'.encode()


UNDECODABLE = [
    (b"", "truncated"),
    (b"[1", "truncated"),
    (b"[1] 2", "malformed"),
    (b'"\xff"', "UnicodeDecodeError"),
    (b"9" * 5000, "out of range"),
    (b"[" * 300_000 + b"]" * 300_000, "RecursionError"),
    (b'[{"$":' * 300 + b"1" + b"}]" * 300, "json"),
    (b'{"$":"tuple"}', "KeyError"),
    (b'{"$":"tuple","v":"abc"}', "needs a list"),
    (b'{"$":"tuple","v":{"a":1}}', "needs a list"),
    (b'{"$":"tuple","v":[],"w":1}', "members that are not known"),
    (b'{"$":"uuid","v":"00000000-0000-0000-0000-000000000007","version":4}', "members that are not known"),
    (b'{"$":"set","v":[[1]]}', "unhashable"),
    (b'{"$":"dict","v":[[1]]}', "dictionary update"),
    (b'{"$":["tuple"],"v":[]}', "unhashable"),
    (b'{"$":5,"v":[]}', "AttributeError"),
    (b'{"$":"uuid","v":7}', "AttributeError"),
    (b'{"$":"uuid","v":"x"}', "hexadecimal"),
    (b'{"$":"decimal","v":"x"}', "InvalidOperation"),
    (b'{"$":"date","v":"2024-13-01"}', "month"),
    (b'{"$":"datetime","v":"2024-01-01","zone":"Nowhere/Town"}', "Nowhere/Town"),
    (b'{"$":"datetime","v":"2024-01-01","zone":"../../etc/passwd"}', "etc/passwd"),
    (b'{"$":"datetime","v":"2024-01-01","color":"red"}', "color"),
    (b'{"$":"bytes","v":"*"}', "base64"),
    (b'{"$":"bytearray","v":1000000000000}', "TypeError"),
    (b'{"$":"int","v":"0xg"}', "int"),
    (tagged("Color", '"GREEN"'), "no member 'GREEN'"),
    (tagged("Color", "[]"), "unhashable"),
    (tagged("Color", "3"), "no member 3"),
    (tagged("Line", '{"sku":"s"}'), "the field 'price'"),
    (tagged("Line", '{"sku":"s","price":1,"color":2}'), "no field 'color'"),
    (tagged("Line", '["s",1]'), "AttributeError"),
    (tagged("Point", "{}"), "Missing required argument 'x'"),
    (tagged("Point", '{"x":1.0,"z":1}'), "Unexpected keyword argument"),
]


@pytest.mark.parametrize(("data", "reason"), UNDECODABLE, ids=[repr(data[:60]) for data, _ in UNDECODABLE])
def test_damaged_bytes_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UndecodableError, match="bytes cannot be read as json") as refusal:
        CODECS["json"].decode(data)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91", b"\xc7\x01\x05a", b"\x81\x90\x90\x00", b"\x01\x01"])
def test_damaged_msgpack_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableError, match="bytes cannot be read as msgpack"):
        CODECS["msgpack"].decode(data)


tag_names = st.sampled_from(
    [
        *("tuple", "set", "frozenset", "dict", "int", "float", "bytes", "bytearray", "datetime", "time"),
        *("date", "timedelta", "uuid", "decimal", "unset", "no:such"),
        *(f"{__name__}:{cls.__name__}" for cls in REGISTERED),
    ]
)
nonsense = st.recursive(
    st.none()
    | st.integers(-(2**63), 2**64 - 1)
    | texts
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["RED", "2024-01-01"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.fixed_dictionaries({"$": tag_names, "v": inner}),
        st.fixed_dictionaries({"$": inner}, optional={"v": inner, "zone": inner, "fold": inner, "name": inner}),
        st.fixed_dictionaries({"$": tag_names, "v": st.dictionaries(st.sampled_from(["x", "id", "size"]), inner)}),
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(data=st.binary(max_size=40) | nonsense.map(msgspec.json.encode) | nonsense.map(msgspec.msgpack.encode))
@example(b'{"$":"timedelta","v":[1,2,3,4,5,6,7,8]}')
@example(b'{"$":"float","v":"1e999"}')
def test_no_bytes_raise_anything_but_undecodable(data: bytes) -> None:
    for codec in CODECS.values():
        with suppress(UndecodableError):
            assert likeness(codec.decode(data)) is not None


def test_a_class_that_the_reader_does_not_know_is_named_and_never_imported() -> None:
    assert "antigravity" not in sys.modules
    for codec in CODECS.values():
        data = codec._write([{"$": "antigravity:Hover", "v": {}}])
        with pytest.raises(UndecodableError, match=r"'antigravity:Hover', which is not registered in this process; "):
            codec.decode(data)
    assert "antigravity" not in sys.modules


def test_a_class_of_a_script_is_refused_with_what_to_do() -> None:
    with pytest.raises(UndecodableError, match="move the class to a module that both processes import"):
        Codec().decode(b'{"$":"__main__:Order","v":{}}')


def test_bytes_of_another_codec_are_read_with_its_own_types_only() -> None:
    data = CODECS["json"].encode(Color.RED)
    with pytest.raises(UndecodableError, match="Color"):
        Codec().decode(data)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose 'json' or 'msgpack'"):
        Codec("pickle")


def make_local_class() -> type:
    @dataclass
    class Local:
        number: int

    return Local


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (make_local_class(), "it is defined inside a function"),
        (Plain, "not a dataclass, msgspec Struct or Enum"),
        (Pair, "not a dataclass, msgspec Struct or Enum"),
        (int, "not a dataclass, msgspec Struct or Enum"),
        (Broken, "cannot be rebuilt from their fields"),
        (Line("s", Decimal(1)), "it is not a class"),
    ],
)
def test_a_class_that_cannot_travel_cannot_be_registered(cls: Any, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        Types().register(cls)


def test_registering_returns_the_class_so_that_it_can_decorate() -> None:
    types = Types()
    assert types.register(Line) is Line
    assert types.register(Line) is Line
    assert_returns(Codec("json", types), Line("s", Decimal(1)))


def test_a_class_registered_again_under_the_same_name_takes_its_place() -> None:
    types = Types()
    types.register(Color)
    newer: Any = Enum("Color", {"RED": "new"}, module=__name__, qualname="Color")  # type: ignore[misc]
    types.register(newer)
    codec = Codec("json", types)
    assert codec.decode(codec.encode(newer["RED"])) is newer["RED"]
    with pytest.raises(EncodingError, match="not registered"):
        codec.encode(Color.RED)


def known(function: Callable[..., object]) -> set[type]:
    types = Types()
    types.register_annotations(function)
    return {cls for cls in (*REGISTERED, Node, Broken, Plain) if types.of(cls)}


def takes_order(order: Optional[Order], *rest: int) -> dict[str, tuple[Level, ...]]:  # noqa: UP045
    return {}


def takes_much(alias: Alias, literal: Literal[Access.READ], note: Annotated[Word, "x"], box: Box[Point] | None) -> None:
    pass


def takes_missing(missing: Missing, line: list[Line]) -> None:
    pass


def takes_node(node: Node, broken: Broken, plain: Plain) -> None:
    pass


def takes_nothing(a, b=Color.RED):  # type: ignore[no-untyped-def]
    pass


class Callee:
    def __call__(self, color: Color) -> None:
        pass

    def method(self, level: Level) -> None:
        pass


@pytest.mark.parametrize(
    ("function", "classes"),
    [
        (takes_order, {Order, Color, Line, Level}),
        (takes_much, {Line, Access, Word, Box, Point}),
        (takes_missing, {Line}),
        (takes_node, {Node, Access}),
        (takes_nothing, set()),
        (partial(takes_order), set()),
        (Callee().method, {Level}),
        (Callee(), set()),
        (len, set()),
    ],
)
def test_annotations_register_the_classes_they_mention(function: Callable[..., object], classes: set[type]) -> None:
    assert known(function) == classes


def test_what_annotations_registered_goes_through() -> None:
    types = Types()
    types.register_annotations(takes_order)
    assert_returns(Codec("json", types), [Order(1, Color.PAIR, [Line("s", Decimal(1))]), uuid4()])


def test_importing_the_codec_loads_neither_zones_nor_dataclasses() -> None:
    program = (
        "import sys, queuemgr, queuemgr.errors, msgspec; before = set(sys.modules)\n"
        "import queuemgr.codec; print(*sorted({'zoneinfo', 'dataclasses'} & (set(sys.modules) - before)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
