"""Tokens are made and shown once, and their file is nobody else's and never half written."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from queuemgr.errors import ConfigError, ValidationError
from queuemgr.service.access.token import digest_of
from queuemgr.service.access.tokens import LONGEST, MOST, Tokens
from queuemgr.service.failures import NotAllowed, NotFound
from queuemgr.service.operations.operation import Scope
from queuemgr.testing.clock import ManualClock

ROOT = Path(__file__).parents[2]


def test_a_token_is_found_by_its_secret_and_by_nothing_like_it(tokens: Tokens) -> None:
    token, secret = tokens.add("ann", "operate")
    assert tokens.find(secret) == token
    assert token.allows is Scope.OPERATE
    for wrong in ("", secret[:-1], secret + "x", secret.upper(), f" {secret}", token.digest, "ann"):
        assert tokens.find(wrong) is None


def test_a_secret_has_256_random_bits_and_is_kept_as_a_hash_alone(tokens: Tokens) -> None:
    secrets = {tokens.add(f"t{n}", "read")[1] for n in range(20)}
    assert len(secrets) == 20
    kept = tokens.path.read_text()
    for secret in secrets:
        assert secret.startswith("qmgr_")
        assert len(secret) - len("qmgr_") == 43
        assert secret not in kept
        assert hashlib.sha256(secret.encode()).hexdigest() in kept


def test_every_comparison_with_a_digest_takes_the_same_time(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made by compare_digest, with each token, whether one was found already or not."""
    first = tokens.add("a", "read")[1]
    tokens.add("b", "read")
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr("queuemgr.service.access.tokens.hmac.compare_digest", watched)
    assert tokens.find(first) is not None
    assert tokens.find("qmgr_wrong") is None
    assert [other for _, other in compared] == [digest_of(first)] * 2 + [digest_of("qmgr_wrong")] * 2


@pytest.mark.parametrize("hostile", ["пароль", "qmgr_\u202e", "\ud800", "\x00" * 10, "a" * 10_000_000])
def test_what_can_be_no_token_is_none(tokens: Tokens, hostile: str) -> None:
    tokens.add("ann", "read")
    assert tokens.find(hostile) is None


def test_a_huge_text_is_not_even_hashed(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queuemgr.service.access.tokens.digest_of", lambda secret: pytest.fail("it was hashed"))
    assert tokens.find("a" * (LONGEST + 1)) is None


def test_a_token_ends_with_its_lifetime_and_its_name_is_free_then(tokens: Tokens, clock: ManualClock) -> None:
    _, secret = tokens.add("ann", "read", lifetime=60)
    clock.advance(59.9)
    assert tokens.find(secret) is not None
    assert tokens.any()
    clock.advance(0.1)
    assert tokens.find(secret) is None
    assert not tokens.any()
    assert tokens.add("ann", "operate")[0].scope == "operate"
    assert tokens.find(secret) is None
    assert len(tokens.all()) == 1


def test_a_removed_token_opens_nothing_any_more_in_every_process(tokens: Tokens) -> None:
    _, secret = tokens.add("ann", "read")
    elsewhere = Tokens(tokens.path)
    assert elsewhere.find(secret) is not None
    tokens.remove("ann")
    assert tokens.find(secret) is None
    assert elsewhere.find(secret) is None


def test_a_name_is_taken_once_and_missing_names_are_said(tokens: Tokens) -> None:
    _, secret = tokens.add("grafana", "read")
    with pytest.raises(NotAllowed, match="token 'grafana' already"):
        tokens.add("grafana", "administer")
    with pytest.raises(NotFound, match="did you mean 'grafana'"):
        tokens.remove("grafan")
    assert tokens.find(secret) is not None


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "a" * 65, "a\n", "../x", "<script>", "a\x00"])
def test_a_name_is_a_plain_word(tokens: Tokens, name: str) -> None:
    with pytest.raises(ValidationError, match="name for a token"):
        tokens.add(name, "read")
    assert not tokens.path.exists()


@pytest.mark.parametrize("scope", ["", "READ", "root", "read,operate"])
def test_a_scope_is_one_of_three_words(tokens: Tokens, scope: str) -> None:
    with pytest.raises(ValidationError, match="is no scope"):
        tokens.add("ann", scope)


@pytest.mark.parametrize("lifetime", [0, -1, float("inf"), float("nan")])
def test_a_lifetime_is_a_time(tokens: Tokens, lifetime: float) -> None:
    with pytest.raises(ValidationError, match="expires"):
        tokens.add("ann", "read", lifetime=lifetime)


def test_the_file_and_its_folder_are_their_owners_alone_whatever_the_umask(tokens: Tokens) -> None:
    before = os.umask(0)
    try:
        tokens.add("ann", "read")
    finally:
        os.umask(before)
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) == 0o700
    assert {file.name for file in tokens.path.parent.iterdir()} == {"tokens.json", "tokens.json.lock"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_use_is_refused(tokens: Tokens, mode: int) -> None:
    _, secret = tokens.add("ann", "read")
    tokens.path.chmod(mode)
    for use in (tokens.all, tokens.any, lambda: tokens.find(secret), lambda: Tokens(tokens.path).find(secret)):
        with pytest.raises(ConfigError, match="chmod 600"):
            use()


def test_a_folder_into_which_others_may_write_is_refused(tokens: Tokens) -> None:
    _, secret = tokens.add("ann", "read")
    tokens.path.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="chmod go-w"):
        Tokens(tokens.path).find(secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 2, "tokens": []}',
        '{"version": 1, "tokens": [{"name": "a"}]}',
        '{"version":1,"tokens":[{"name":"a","scope":"root","digest":"' + "0" * 64 + '","created_at":0}]}',
        '{"version":1,"tokens":[{"name":"a","scope":"read","digest":"é","created_at":0}]}',
        "\xff",
        " " * 2_000_000,
    ],
)
def test_a_damaged_file_lets_nobody_in_and_says_so(tokens: Tokens, text: str) -> None:
    tokens.add("ann", "read")
    tokens.path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="damaged"):
        tokens.find("qmgr_x")


def test_a_change_of_the_file_is_seen_without_reading_it_again_each_time(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = tokens.add("ann", "read")
    assert tokens.find(secret) is not None
    with monkeypatch.context() as patch:
        patch.setattr("queuemgr.service.access.tokenfile._decoded", lambda data: pytest.fail("it was read again"))
        assert tokens.find(secret) is not None
    Tokens(tokens.path).remove("ann")
    assert tokens.find(secret) is None


def test_writers_at_the_same_time_lose_nothing(tokens: Tokens) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Tokens(tokens.path).add(f"t{n}", "read"), range(24)))
    assert len(tokens.all()) == 24


def test_writers_in_several_processes_lose_nothing(tokens: Tokens) -> None:
    code = "import sys; from pathlib import Path; from queuemgr.service.access.tokens import Tokens\n"
    code += "for n in range(10): Tokens(Path(sys.argv[1])).add(f'{sys.argv[2]}{n}', 'read')"
    command = [sys.executable, "-c", code, str(tokens.path)]
    running = [subprocess.Popen([*command, who], env={**os.environ, "PYTHONPATH": str(ROOT)}) for who in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(tokens.all()) == 20


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens.add("ann", "read")
    before = tokens.path.read_bytes()

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("queuemgr.service.access.tokenfile.os.fsync", fail)
    with pytest.raises(ConfigError, match="No space left"):
        tokens.add("bob", "read")
    assert tokens.path.read_bytes() == before
    assert {file.name for file in tokens.path.parent.iterdir()} == {"tokens.json", "tokens.json.lock"}


def test_a_link_to_the_file_stays_a_link(tokens: Tokens, tmp_path: Path) -> None:
    tokens.add("ann", "read")
    link = tmp_path / "link.json"
    link.symlink_to(tokens.path)
    Tokens(link).add("bob", "read")
    assert link.is_symlink()
    assert [token.name for token in tokens.all()] == ["ann", "bob"]


def test_there_is_a_most_of_tokens(tokens: Tokens) -> None:
    tokens.add("ann", "read")
    kept = json.loads(tokens.path.read_text())
    kept["tokens"] = [kept["tokens"][0] | {"name": f"t{n}"} for n in range(MOST)]
    tokens.path.write_text(json.dumps(kept))
    with pytest.raises(NotAllowed, match="1000 tokens"):
        tokens.add("one-more", "read")


def test_without_a_file_there_are_no_tokens_and_none_is_made_by_looking(tokens: Tokens) -> None:
    assert tokens.all() == []
    assert not tokens.any()
    assert not tokens.path.parent.exists()
