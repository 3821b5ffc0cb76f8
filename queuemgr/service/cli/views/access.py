"""Tokens, and the list of what was changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from queuemgr.service.cli.page import Cell, Column, Next, Page, Say, Table, Warn
from queuemgr.service.words import coarse, moment

if TYPE_CHECKING:
    from queuemgr.service.cli.page import Item

Facts = Mapping[str, Any]

LONGEST = 100
_TOKENS = [
    Column("NAME", shrinks=True),
    Column("SCOPE"),
    Column("MADE", drop=2),
    Column("EXPIRES"),
    Column("A MINUTE", right=True, drop=1),
]
_ENTRIES = [
    Column("WHEN"),
    Column("WHO", shrinks=True),
    Column("BY", drop=2),
    Column("OPERATION"),
    Column("WITH", shrinks=True),
    Column("OUTCOME", shrinks=True, drop=1),
]


def added_page(document: Facts) -> Page:
    token = document["token"]
    page = Page([Say(Cell(document["secret"], "strong"), bare=document["secret"])])
    ends = "" if token["expires_at"] is None else f" for {coarse(token['expires_at'] - token['created_at'])}"
    told = f"{token['name']} may {token['scope']}{ends}; this is the only time that its token is shown"
    return page.add(Warn(told, "quiet"))


def tokens_page(document: Facts) -> Page:
    tokens, now = document["tokens"], document["at"]
    if not tokens:
        told = Say(f"there are no tokens in {document['file']}: the page is open to this machine alone")
        return Page([told, Next("make one", "queuemgr token add NAME --scope read --expires 90d")])
    return Page([Table(_TOKENS, [_token(token, now) for token in tokens])])


def removed_page(document: Facts) -> Page:
    return Page([Say(f"token {document['removed']} is removed: whoever came in by it is out")])


def audit_page(document: Facts) -> Page:
    entries = document["entries"]
    if not entries:
        return Page([Say("nothing was changed by anybody yet" if document["after"] is None else "nothing more")])
    page = Page([Table(_ENTRIES, [_entry(entry) for entry in entries])])
    if document["after"] is not None:
        page.add(Next("the page that follows", f"queuemgr audit --after {document['after']}"))
    return page


def _token(token: Facts, now: float) -> list[Item]:
    limit = "" if token["limit"] is None else f"{token['limit']:,}"
    return [Cell(token["name"], "strong"), token["scope"], moment(token["created_at"]), _expiry(token, now), limit]


def _expiry(token: Facts, now: float) -> Cell:
    if token["expires_at"] is None:
        return Cell("never", "quiet")
    return Cell("has expired", "bad") if token["expired"] else Cell(f"in {coarse(token['expires_at'] - now)}")


def _entry(entry: Facts) -> list[Item]:
    outcome = entry["outcome"]
    wrong = str(outcome.get("message") or f"failed: {outcome.get('error', '')}")
    told = Cell(_short(outcome)) if outcome.get("ok") else Cell(wrong, "bad")
    who = entry["who"] if entry["address"] is None else f"{entry['who']} ({entry['address']})"
    return [moment(entry["at"]), who, entry["via"], entry["operation"], _short(entry["arguments"]), told]


def _short(facts: Facts) -> str:
    parts = (f"{name}={_word(value)}" for name, value in facts.items() if name != "ok" and value is not None)
    text = " ".join(parts)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
