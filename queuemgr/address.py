"""Addresses of stores as they may be shown: without what opens them. It checks none."""

from __future__ import annotations

import re

# From the user's name to the last @: a password that is not encoded may hold any sign.
_LOGIN = re.compile(r"^(?!sqlite:///|laravel\+sqlite:///)((?>[^:/]*:/*[^:@/?#]*)).*:.*@", re.DOTALL)
# `failed` of Laravel's queues is the address of a database, with the password for it.
_OPTION = re.compile(r"([?&][a-z_]*(?:password|failed)=)[^&]*", re.IGNORECASE | re.DOTALL)


def shown_url(url: str) -> str:
    """The address with `***` for every password in it, also for one that makes it no valid address."""
    return _OPTION.sub(r"\1***", _LOGIN.sub(r"\1:***@", url))
