"""Whatever has a name in the code has a place in the documentation, on the page where a reader looks for it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator

import click
import pytest

import queuemgr
from queuemgr import App, JobContext, Query, State, errors, fault
from queuemgr.client import AsyncClient, Client
from queuemgr.errors import QueuemgrError
from queuemgr.handle import AsyncHandle, Handle
from queuemgr.options import BACKOFFS, CONFLICTS, EXECUTORS, NAMES, Options, OptionValues
from queuemgr.recurrence import Missed, parse_rule
from queuemgr.service.cli.main import main
from queuemgr.service.observe import prometheus
from queuemgr.service.web.config import WebConfig
from queuemgr.settings import WorkerSettings
from queuemgr.stores.sqlite import schema
from tests.docs.pages import DOCS, PAGES, ROOT, blocks_of, code_words_of

# What nobody asks for by name.
NOT_TOLD = {"send", "asend", "run", "clock"}


def _page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def _in_tables(name: str) -> dict[str, list[str]]:
    """The rows of a page's tables by each word in code that their first cell holds."""
    found: dict[str, list[str]] = {}
    for line in _page(name).splitlines():
        if line.startswith("| "):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for word in re.findall(r"`([^`]+)`", cells[0]):
                found.setdefault(word, cells)
    return found


def _words(name: str) -> set[str]:
    """Everything in code on a page, and the names in it."""
    codes = [code for _, code in code_words_of(ROOT / "docs" / f"{name}.md")]
    return {*codes, *(word for code in codes for word in re.findall(r"\w+", code))}


def _subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for one in kind.__subclasses__():
        if one.__module__ == errors.__name__:
            yield from _subclasses(one)


def _verbs(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _verbs(found, (*path, name))


ERRORS = list(_subclasses(QueuemgrError))


@pytest.mark.parametrize("option", sorted(NAMES))
def test_an_option_has_a_row_with_its_default(option: str) -> None:
    row = _in_tables("tasks")[option]
    default = getattr(Options(), option)
    assert len(row) == 3
    if default is not None and not callable(default) and default != ():
        shown = f'"{default}"' if isinstance(default, str) else repr(default)
        assert row[1] == f"`{shown}`"


def test_options_can_be_typed_and_all_are_known() -> None:
    assert OptionValues.__annotations__.keys() == NAMES


@pytest.mark.parametrize("word", [*EXECUTORS, *CONFLICTS, *BACKOFFS])
def test_a_choice_of_an_option_is_named(word: str) -> None:
    assert f'"{word}"' in _page("tasks")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_executor_is_described(executor: str) -> None:
    assert f'"{executor}"' in _in_tables("workers")


@pytest.mark.parametrize("parameter", [name for name in inspect.signature(App).parameters if name != "defaults"])
def test_a_parameter_of_the_app_has_a_row(parameter: str) -> None:
    assert parameter in _in_tables("tasks")


@pytest.mark.parametrize("error", ERRORS[1:], ids=lambda error: error.__name__)
def test_an_error_has_a_row(error: type[Exception]) -> None:
    told_in_words = {"RunError"}
    assert error.__name__ in _in_tables("errors") or error.__name__ in told_in_words & _words("errors")


def test_the_tree_of_errors_is_that_of_the_classes() -> None:
    drawn = re.findall(r"^([│├└─ ]*)(\w+)", _page("errors").partition("```text\n")[2].partition("```")[0], re.MULTILINE)
    assert [(len(branch) // 3, name) for branch, name in drawn] == [
        (len(error.__mro__) - len(QueuemgrError.__mro__) - issubclass(error, TimeoutError) * 2, error.__name__)
        for error in ERRORS
    ]


@pytest.mark.parametrize("state", State)
def test_a_state_has_a_row(state: State) -> None:
    assert state.word in _in_tables("reliability")


# The most bytes of a result are the app's affair.
@pytest.mark.parametrize(
    "setting", [one.name for one in dataclasses.fields(WorkerSettings) if one.name != "max_result"]
)
def test_a_setting_of_the_worker_has_a_row(setting: str) -> None:
    assert setting in _in_tables("workers")


@pytest.mark.parametrize("setting", [field.name for field in dataclasses.fields(WebConfig) if field.name != "place"])
def test_a_setting_of_the_page_is_named(setting: str) -> None:
    assert setting in _words("api")


@pytest.mark.parametrize("page", ["observation", "observation.ru"])
def test_what_prometheus_is_told_has_a_row(page: str) -> None:
    told = set(re.findall(r'"(queuemgr_\w+)"', inspect.getsource(prometheus)))
    assert "queuemgr_runs" in told
    assert {name for name in told if not {name, f"{name}_total"} & _in_tables(page).keys()} == set()


@pytest.mark.parametrize("verb", list(_verbs(main)), ids=" ".join)
def test_a_verb_of_the_command_line_is_shown(verb: tuple[str, ...]) -> None:
    told = {code for page in PAGES for block in blocks_of(page) for code in re.findall(r"[a-z]+", block.text)}
    assert set(verb) <= _words("cli") | told


@pytest.mark.parametrize("point", fault.POINTS)
def test_a_point_at_which_tests_kill_is_named_and_its_death_is_explained(point: str) -> None:
    assert point in _in_tables("testing")
    assert point in _in_tables("reliability")


@pytest.mark.parametrize("name", queuemgr.__all__)
def test_a_public_name_is_used_somewhere(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", page.read_text(encoding="utf-8")) for page in DOCS)


@pytest.mark.parametrize("verb", [name for name in vars(Client) if not name.startswith("_") and name not in NOT_TOLD])
def test_a_verb_of_the_client_has_a_row(verb: str) -> None:
    assert verb in {re.match(r"\w+", word)[0] for word in _in_tables("callers") if re.match(r"\w+", word)}  # type: ignore[index]


def test_both_clients_and_both_handles_have_the_same_verbs() -> None:
    def verbs(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")} - NOT_TOLD - {"store"}

    assert verbs(Client) - verbs(AsyncClient) == {"close"}
    assert verbs(AsyncClient) <= verbs(Client)
    assert verbs(Handle) == verbs(AsyncHandle)


@pytest.mark.parametrize("verb", [name for name, verb in vars(Handle).items() if name[0] != "_" and callable(verb)])
def test_a_verb_of_a_handle_has_a_row(verb: str) -> None:
    assert any(word.startswith(f"{verb}(") for word in _in_tables("callers"))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Query)])
def test_a_part_of_a_query_is_named(field: str) -> None:
    assert field in _words("callers")


@pytest.mark.parametrize("name", [name for name in dir(JobContext) if not name.startswith("_") and name != "output"])
def test_what_a_job_sees_of_itself_is_named(name: str) -> None:
    assert name in _words("tasks")


@pytest.mark.parametrize("missed", Missed)
def test_a_policy_for_missed_firings_has_a_row(missed: Missed) -> None:
    assert f'"{missed}"' in _in_tables("schedules")


def test_every_rule_in_the_documentation_can_be_read() -> None:
    rules = [word.strip('"') for word in _in_tables("schedules") if re.match(r'"[\d*@e].* |"@', word)]
    assert len(rules) > 8
    for rule in rules:
        parse_rule(rule)


def test_what_the_page_about_the_code_names_is_in_the_code() -> None:
    names = {name for name in _words("internals") if re.fullmatch(r"[a-z_]{4,}", name)}
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "queuemgr").rglob("*.py")}
    known = {word for text in sources.values() for word in re.findall(r"\w+", text)}
    known |= {part.removesuffix(".py") for path in sources for part in path.relative_to(ROOT).parts}
    assert "open_turn" in names
    assert names - known == set()


TABLES = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", "".join(schema.MIGRATIONS)))


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_table_has_a_row(table: str) -> None:
    assert table in _in_tables("sqlite")


def test_a_variable_of_the_environment_is_named() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "queuemgr").rglob("*.py"))
    told = "".join(page.read_text(encoding="utf-8") for page in DOCS)
    variables = set(re.findall(r"\bQUEUEMGR_[A-Z_]+\b", sources)) - {"QUEUEMGR_COMPLETE"}
    assert {"QUEUEMGR_STORE", "QUEUEMGR_DIE_AT"} <= variables
    assert {variable for variable in variables if variable not in told} == set()
