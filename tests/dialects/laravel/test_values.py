"""PHP's values, Laravel's encryption and its payloads, without a server: lossless, bounded, the same as PHP's own."""

from __future__ import annotations

import math
import subprocess
from base64 import b64decode, b64encode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queuemgr.codec import Codec
from queuemgr.dialects.laravel.encryption import Encrypter
from queuemgr.dialects.laravel.keys import Keys
from queuemgr.dialects.laravel.marker import NONE, Marker
from queuemgr.dialects.laravel.payload import parse
from queuemgr.dialects.laravel.php import PhpEnum, PhpObject, PhpOpaque, serialize, unserialize
from queuemgr.dialects.laravel.values import arguments_of, command_of
from queuemgr.errors import ConfigError, EncodingError, UndecodableError

from .application import APP_KEY

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
TEXTS = st.text(st.characters(codec="utf-8"))
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXTS | st.binary(),
    lambda inner: (
        st.dictionaries(st.integers(-99, 99) | TEXTS, inner, max_size=4)
        | st.builds(PhpObject, st.just("App\\Thing"), st.dictionaries(TEXTS, inner, max_size=4))
    ),
    max_leaves=20,
)

FROM_PHP = r"""
enum Suit: string { case Hearts = 'H'; }
class Thing { public $x = 1; protected $y = 2.5; private $z = [1, 'a' => null]; public $self; }
$a = new Thing; $a->self = $a; $b = new Thing; $c = 1; $hard = [&$c, &$c];
echo serialize([$a, $a, $b, Suit::Hearts, Suit::Hearts, 1.0, 1e25, 1.5e-7, 1e16, 12345678901234567.0, 1e-5, INF, -INF,
    NAN, PHP_INT_MAX, PHP_INT_MIN, "é\xff", ['5' => 1, '05' => 2, -3 => 3], 0.1 + 0.2, true, null, "",
    new ArrayObject([1])]);
"""


def php(code: str, *words: str) -> bytes:
    done = subprocess.run(["php", "-r", code, *words], capture_output=True, check=True, timeout=30)
    return done.stdout


@given(PLAIN)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back_and_written_the_same(value: object) -> None:
    data = serialize(value)
    assert serialize(unserialize(data)) == data


@pytest.mark.needs("php")
def test_what_php_writes_is_written_again_byte_for_byte() -> None:
    data = php(FROM_PHP)
    value = unserialize(data)
    assert serialize(value) == data
    assert value[0].get("self") is value[0] is value[1]
    assert (value[0].get("y"), value[0].get("z")) == (2.5, {0: 1, "a": None})
    assert (value[3], value[16]) == (PhpEnum("Suit", "Hearts"), b"\xc3\xa9\xff")
    assert math.isnan(value[13])


@pytest.mark.needs("php")
def test_php_reads_what_is_written_here() -> None:
    value = {"a": [1, 2.5, None, True, "é", {"9": "x", "x": 1e300}], "o": PhpObject("stdClass", {"p": [], "q": "z"})}
    said = php("echo json_encode(unserialize(base64_decode($argv[1])));", b64encode(serialize(value)).decode())
    expected = {"a": [1, 2.5, None, True, "é", {"9": "x", "x": 1e300}], "o": {"p": [], "q": "z"}}
    assert msgspec.json.decode(said) == expected


@pytest.mark.parametrize(
    "data",
    [b"", b"i:1", b"i:99999999999999999999;", b"s:2:\"abc\";", b"s:5:\"abc\";", b"a:1:{i:0;i:1;", b"a:2:{i:0;i:1;}",
     b"a:-1:{}", b"b:2;", b"d:x;", b"O:1:\"A\":1:{i:0;}", b"R:1;", b"r:5;", b"N;N;", b"x:1;", b"a:1:{a:0:{}i:1;}",
     b"C:1:\"A\":9:{x}", b"a:99999999999:{}"],
)  # fmt: skip
def test_what_is_no_value_of_php_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        unserialize(data)


def test_values_are_bounded_in_depth_and_number() -> None:
    with pytest.raises(UndecodableError, match="deep"):
        unserialize(b"a:1:{i:0;" * 200 + b"N;" + b"}" * 200)
    with pytest.raises(UndecodableError, match="too many"):
        unserialize(b"a:50:{" + b"".join(b"i:%d;N;" % n for n in range(50)) + b"}", max_values=20)


@pytest.mark.parametrize("value", [1 << 63, {1.5: 1}, {None: 1}, object(), "\ud800"])
def test_what_php_has_no_form_for_is_refused(value: object) -> None:
    with pytest.raises(EncodingError):
        serialize(value)


def test_objects_are_data_and_show_their_class() -> None:
    when = PhpObject("Carbon\\Carbon", {"date": "2026-11-22"})
    command = PhpObject(
        "Job", {"when": when, "\0*\0kind": PhpEnum("Suit", "H"), "raw": PhpOpaque("X", b"\xff"), "queue": "q"}
    )
    args = Codec("json").decode(arguments_of(command))
    assert args == [
        [],
        {
            "when": {"__class__": "Carbon\\Carbon", "date": "2026-11-22"},
            "kind": {"__class__": "Suit", "case": "H"},
            "raw": {"__class__": "X", "data": b"\xff"},
        },
    ]


@pytest.mark.parametrize(
    "value",
    [{}, [], {"1": 2}, {5: 6}, b"\xff\x00", "text", math.inf, -0.0, {"$": "x"}, {"$": "x", "v": 1}, (1, 2), {3}],
)
def test_php_is_given_plain_values_where_it_has_them(value: object) -> None:
    made = command_of("Job", Codec("json").encode([[], {"value": value}]))
    assert unserialize(serialize(made)).name == "Job"
    if type(value) in (str, list):
        assert made.get("value") == value


def test_an_empty_dict_is_an_empty_array_in_php() -> None:
    assert serialize(command_of("Job", b'[[],{"o":{}}]')) == b'O:3:"Job":1:{s:1:"o";a:0:{}}'


@given(st.binary(max_size=100))
def test_what_was_encrypted_is_read_with_the_same_key_only(data: bytes) -> None:
    text = Encrypter([APP_KEY]).encrypt(data)
    assert Encrypter([APP_KEY]).decrypt(text) == data
    assert Encrypter(["o" * 32, APP_KEY]).decrypt(text) == data
    with pytest.raises(UndecodableError, match="another key"):
        Encrypter(["o" * 32]).decrypt(text)


def test_what_was_changed_on_its_way_is_not_decrypted() -> None:
    sealed = msgspec.json.decode(b64decode(Encrypter([APP_KEY]).encrypt(b"secret")))
    value = bytearray(b64decode(sealed["value"]))
    value[0] ^= 1
    sealed["value"] = b64encode(value).decode()
    for text in (b64encode(msgspec.json.encode(sealed)).decode(), "", "O:1:", "e30=", b64encode(b"[]").decode()):
        with pytest.raises(UndecodableError):
            Encrypter([APP_KEY]).decrypt(text)


def test_authenticated_encryption_of_newer_applications_is_read() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, iv = b"k" * 32, b"i" * 12
    sealed = AESGCM(key).encrypt(iv, b"secret", None)
    parts = {"iv": iv, "value": sealed[:-16], "mac": b"", "tag": sealed[-16:]}
    text = b64encode(msgspec.json.encode({name: b64encode(part).decode() for name, part in parts.items()})).decode()
    assert Encrypter([APP_KEY]).decrypt(text) == b"secret"
    with pytest.raises(UndecodableError):
        Encrypter(["o" * 32]).decrypt(text)


@pytest.mark.parametrize("key", ["", "short", "base64:!!", "base64:a2s="])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Encrypter([key])
    assert not key or key not in str(refusal.value)


def test_our_field_comes_and_goes_and_leaves_every_other_byte() -> None:
    raw = b' {"job" : "A@b" ,"data":{"attempts":7,"n":[] }, "queue" : "\\/" , "attempts": 3 } '
    marked = parse(raw).changed(attempts=10, marker=Marker(claims=1))
    assert (parse(marked).marker.claims, parse(marked).attempts) == (1, 10)
    assert parse(marked).changed(attempts=3, marker=NONE) == raw
    first = b'{"queuemgr":{"claims":4},"job":"A","data":1,"attempts":0}'
    assert parse(first).changed(marker=NONE) == b'{"job":"A","data":1,"attempts":0}'


def test_queues_are_told_by_their_keys_whatever_their_names() -> None:
    keys = Keys("my_app:")
    names = ["default", "a:b", "a:delayed:x", "{tag}", "é"]
    found = []
    for name in names:
        queue = keys.queue(name)
        found += [queue.ready, queue.notify, queue.delayed, queue.reserved, queue.dead, queue.held("w:1")]
    assert keys.queue_names(found) == sorted(names)
    tagged = Keys("my_app:", tagged=True)
    assert tagged.queue("default").delayed == "my_app:queues:{default}:delayed"
    assert tagged.queue("x{y}").ready == "my_app:queues:x{y}"
    assert tagged.queue_names([tagged.queue("default").delayed]) == ["default"]
