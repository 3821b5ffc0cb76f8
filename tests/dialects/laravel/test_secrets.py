"""A job that was encrypted is shown as what it is where nobody has told the application's key."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from queuemgr.dialects.laravel.store import LaravelStore
from queuemgr.job import Job, new_id
from queuemgr.service.cli.main import main

from .application import APP_KEY


@pytest.fixture
def secret(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a job that only those can read who have the key; here nobody has it any more."""
    with monkeypatch.context() as there:
        there.setenv("APP_KEY", APP_KEY)
        store = LaravelStore(f"{url}&encrypt=yes")
        job = Job(id=new_id(), task="App\\Jobs\\Greet", args=b'[[],{"name":"hidden away"}]')
        store.enqueue_now([job])
        store._link._direct.close()
    monkeypatch.delenv("APP_KEY", raising=False)
    return job.id


@pytest.mark.parametrize("words", [["jobs", "show"], ["jobs", "arguments"], ["jobs", "show", "--json"]])
def test_an_encrypted_job_is_shown_and_says_that_its_key_is_missing(url: str, secret: str, words: list[str]) -> None:
    done = CliRunner().invoke(main, ["--store", url, *words, secret])
    assert "it is encrypted and there is no APP_KEY here" in done.output, done.output
    assert "hidden away" not in done.output


def test_with_the_key_its_arguments_are_shown(url: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_KEY", APP_KEY)
    done = CliRunner().invoke(main, ["--store", url, "jobs", "show", secret])
    assert done.exit_code == 0
    assert "hidden away" in done.output
