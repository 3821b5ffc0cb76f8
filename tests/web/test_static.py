"""The page's own files: kinds, compression, validators and what a browser is forbidden."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from queuemgr.service.web import static
from queuemgr.service.web.request import Request
from queuemgr.service.web.static import FOLDER, KINDS, Files
from tests.web.rig import Asked


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "lib").mkdir()
    (tmp_path / "index.html").write_text('<head><base href="/" /></head>' + "x" * 100)
    (tmp_path / "lib" / "a.js").write_text("export const a = 1;\n" * 50)
    (tmp_path / "notes.py").write_text("secret = 1")
    return Files(tmp_path)


def get(files: Files, path: str, prefix: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = files.answer(Request("GET", path, headers=sent, prefix=prefix))
    if response is None:
        return 404, {}, b""
    assert isinstance(response.body, bytes)
    return response.status, dict(response.headers), response.body


def test_a_file_comes_with_its_kind_compressed_where_that_is_understood(files: Files) -> None:
    status, headers, data = get(files, "/lib/a.js")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "content-encoding" not in headers
    _, headers, squeezed = get(files, "/lib/a.js", accept_encoding="gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(squeezed) == data


def test_who_has_it_is_told_so_until_it_changes(files: Files, tmp_path: Path) -> None:
    _, headers, _ = get(files, "/lib/a.js")
    status, _, data = get(files, "/lib/a.js", if_none_match=headers["etag"])
    assert (status, data) == (304, b"")
    (tmp_path / "lib" / "a.js").write_text("export const a = 2;\n")
    status, later, data = get(files, "/lib/a.js", if_none_match=headers["etag"])
    assert (status, data) == (200, b"export const a = 2;\n")
    assert later["etag"] != headers["etag"]


@pytest.mark.parametrize(
    "path", ["/notes.py", "/lib", "/../secret.js", "/%2e%2e/secret.js", "/lib/%00.js", "/a.js", "//etc/x.txt", "/lib/"]
)
def test_nothing_else_is_given_away(files: Files, tmp_path: Path, path: str) -> None:
    (tmp_path.parent / "secret.js").write_text("1")
    assert get(files, path)[0] == 404


def test_however_a_file_is_spelled_it_is_read_and_kept_once(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for it, in any number of spellings."""
    loaded: list[Path] = []
    load = static._load

    def counted(path: Path, *how: Any) -> static.File:
        loaded.append(path)
        return load(path, *how)

    monkeypatch.setattr(static, "_load", counted)
    for number in range(20):
        for odd in (f"/a{number}/%2e%2e", "/." * number, "//" * number, f"/lib{'/%2e%2e/lib' * number}/.."):
            for name in ("/index.html", "/lib/a.js", "/lib%2fa.js"):
                assert get(files, f"{odd}{name}", prefix="/ops")[0] == 200
    assert sorted(path.name for path in loaded) == ["a.js", "index.html"]
    assert b'<base href="/ops/" />' in get(files, "/a/%2e%2e/index.html", prefix="/ops")[2]


def test_the_page_knows_where_it_is_mounted(files: Files) -> None:
    assert b'<base href="/" />' in get(files, "/")[2]
    assert b'<base href="/ops/queue/" />' in get(files, "/", prefix="/ops/queue")[2]
    assert b'<base href="/&quot;&gt;/" />' in get(files, "/", prefix='/">')[2]


def test_the_page_forbids_scripts_of_others_frames_and_inline_code(asked: Asked) -> None:
    answer = asked("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert b"<script>" not in answer.data
    for path in ("/", "/api/v1/overview", "/no-such", "/main.js"):
        headers = asked("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "content-security-policy" in headers or path == "/main.js"


def test_a_page_that_is_kept_may_do_what_it_might_when_it_came(asked: Asked) -> None:
    came = asked("GET", "/")
    again = asked("GET", "/", if_none_match=came.headers["etag"])
    assert (again.status, again.data) == (304, b"")
    assert again.headers["content-security-policy"] == came.headers["content-security-policy"]


def test_every_file_of_the_page_has_a_kind_or_is_a_note_for_people() -> None:
    others = {path.name for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in KINDS}
    assert {name for name in others if not name.startswith(("LICENSE", "README"))} == set()
