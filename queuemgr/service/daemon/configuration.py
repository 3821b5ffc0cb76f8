"""What the daemon is told, and by whom: defaults, a file, the environment, the command line. It applies nothing.

Later ones win. Every value keeps its origin, so that a person can see why it is as it is.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from queuemgr.errors import ConfigError, QueuemgrError, did_you_mean
from queuemgr.jobs.classes import Places
from queuemgr.service.host.config import HostConfig

from .settings import LOG, RUN, STATE, DaemonSettings, Settings, usual_places

FILE_VARIABLE, PREFIX = "QUEUEMGR_CONFIG", "QUEUEMGR_"
DICT = "PROC_MANAGER_CONFIG"
USUAL_FILES = ("/opt/queuemgr/config.py", "/etc/queuemgr/queuemgr.toml")
# They have the prefix of settings and are none.
OTHER_VARIABLES = frozenset(
    {
        *(FILE_VARIABLE, "QUEUEMGR_APP", "QUEUEMGR_JOBS", "QUEUEMGR_TOKEN_FILE"),
        *("QUEUEMGR_DEBUG", "QUEUEMGR_DIE_AT", "QUEUEMGR_MP_START_METHOD"),
    }
)
# The keys of the job classes' places, under names that say so in a file that has many others.
PLACES = {"job_classes": "registered", "job_folders": "folders", "job_allowed": "allowed", "job_path": "path"}
LISTS = frozenset({"job_folders", "job_allowed", "job_path", "workers"})
DICTS = frozenset({"per_job_type_limits", "job_classes", "alerts", "notify"})
# What Kubernetes tells every pod of a service that is called queuemgr.
_LINKS = re.compile(r"QUEUEMGR_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\w+)?)")


@dataclass(frozen=True, slots=True)
class Value:
    value: Any
    origin: str


def keys() -> list[str]:
    """Every key that may be set."""
    host = [name for name in HostConfig.__struct_fields__ if name != "places"]
    return [*host, *PLACES, *DaemonSettings.__struct_fields__]


def gather(
    file: str | None, environment: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> dict[str, Value]:
    """All values with their origins. Raises ConfigError for a file that cannot be used and a key that there is not."""
    values = {name: Value(value, "default") for name, value in _defaults().items()}
    usual = (name for name in USUAL_FILES if os.access(name, os.R_OK))
    chosen = file or environment.get(FILE_VARIABLE) or next(usual, None)
    if chosen is not None:
        values |= {name: Value(value, chosen) for name, value in _checked(read_file(chosen), chosen).items()}
    values |= _from_environment(environment)
    given = {name: value for name, value in (options or {}).items() if value is not None}
    return _following(values | {name: Value(value, "command line") for name, value in given.items()})


def _following(values: dict[str, Value]) -> dict[str, Value]:
    """The daemon's own files stand beside what was put elsewhere."""
    for name, leader, usual, own in (("pidfile", "proc_dir", RUN, RUN), ("log_file", "registry_path", STATE, LOG)):
        if values[name].origin != "default" or values[leader].origin == "default":
            continue
        place = Path(str(values[leader].value)).expanduser().absolute()
        folder = place if leader == "proc_dir" else place.parent
        file = (own if folder == usual else folder) / Path(values[name].value).name
        values[name] = Value(str(file), f"beside {leader}")
    return values


def settings_of(values: Mapping[str, Value]) -> Settings:
    """Raises ConfigError, which names the value's origin."""
    host = {name: values[name] for name in HostConfig.__struct_fields__ if name in values}
    places = {name: values[name] for name in PLACES if name in values}
    own = {name: values[name] for name in DaemonSettings.__struct_fields__ if name in values}
    made = _made(HostConfig, host)
    return Settings(msgspec.structs.replace(made, places=_made(Places, places, PLACES)), _made(DaemonSettings, own))


def read_file(file: str) -> dict[str, Any]:
    """A TOML file, or a Python file with the dict PROC_MANAGER_CONFIG. Raises ConfigError."""
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        _trusted(path)
    except OSError as error:
        raise ConfigError(f"the configuration {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the configuration {file} is not written in UTF-8: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the configuration {file} is no TOML: {error}") from error
    return _dict_of(text, file)


def _dict_of(text: str, file: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__file__": file, "__name__": "queuemgr_config"}
    try:
        exec(compile(text, file, "exec"), names)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"the configuration {file} failed: {type(error).__name__}: {error}") from error
    found = names.get(DICT)
    if not isinstance(found, dict):
        raise ConfigError(f"the configuration {file} has no dict {DICT}")
    return found


def _trusted(path: Path) -> None:
    """A Python file is run: nobody but root and this user may have written it."""
    facts = path.stat()
    if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"the configuration {path} is a program, and others than root and this user may change it: "
            f"chown root {path}; chmod go-w {path}"
        )


def _checked(found: dict[str, Any], origin: str) -> dict[str, Any]:
    known = keys()
    for name in found:
        if name not in known:
            raise ConfigError(f"{origin} has a key {name!r} that means nothing: {did_you_mean(str(name), known)}")
    return found


def _from_environment(environment: Mapping[str, str]) -> dict[str, Value]:
    values = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or _LINKS.fullmatch(variable):
            continue
        name = variable.removeprefix(PREFIX).lower()
        origin = f"${variable}"
        _checked({name: text}, f"the environment ({variable})")
        values[name] = Value(_value_of(name, text, origin), origin)
    return values


def _value_of(name: str, text: str, origin: str) -> Any:
    if name in LISTS:
        return [part for part in text.split(",") if part]
    if name not in DICTS:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{name} = {text!r} ({origin}) cannot be used: it is no JSON: {error}") from error


def _defaults() -> dict[str, Any]:
    host = msgspec.structs.asdict(HostConfig())
    del host["places"]
    places = {name: getattr(Places(), field) for name, field in PLACES.items()}
    return host | places | msgspec.structs.asdict(DaemonSettings()) | usual_places()


def _made(kind: type[Any], values: Mapping[str, Value], fields: Mapping[str, str] = MappingProxyType({})) -> Any:
    """`fields` are the names that keys have in `kind`, where these are others. Raises ConfigError."""
    plain = {name: one.value for name, one in values.items()}
    try:
        # What comes from the environment is text, and "50" means 50.
        return msgspec.convert({fields.get(name, name): value for name, value in plain.items()}, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        wrong = next((name for name in plain if re.search(rf"\$\.{fields.get(name, name)}\b", text)), None)
        where = f"{wrong} = {plain[wrong]!r} ({values[wrong].origin})" if wrong else "the configuration"
        raise ConfigError(f"{where} cannot be used: {text.partition(' - at')[0]}") from error
    except QueuemgrError as error:
        wrong = next((name for name in plain if str(error).startswith(f"{name} ")), None)
        raise ConfigError(f"{error} ({values[wrong].origin})" if wrong else str(error)) from error
