"""Tells one target of one notice: by a webhook, by mail, by a command. It tries once and remembers nothing."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import signal
import smtplib
import ssl
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate
from typing import IO, TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit

from .notice import json_of

if TYPE_CHECKING:
    from .config import Notify
    from .notice import Notice

MOST_WORDS = 500


class NotDelivered(Exception):
    """`again` is False where another try would end the same way."""

    def __init__(self, why: str, *, again: bool = True) -> None:
        self.again = again
        super().__init__(why[:MOST_WORDS])


def send(target: Notify, notice: Notice) -> None:
    """Blocks for at most a few of the target's time-outs. Raises NotDelivered."""
    if target.webhook is not None:
        _post(target, notice)
    elif target.email:
        _mail(target, notice)
    else:
        _command(target, notice)


def signature(secret: str, body: bytes) -> str:
    """What a webhook's header X-Queuemgr-Signature says of the body."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: Any) -> None:
        return None


def _post(target: Notify, notice: Notice) -> None:
    assert target.webhook is not None
    body = json_of(notice)
    headers = {"Content-Type": "application/json", "User-Agent": "queuemgr", "X-Queuemgr-Event": notice.event}
    if target.secret is not None:
        headers["X-Queuemgr-Signature"] = signature(target.secret, body)
    try:
        request = urllib.request.Request(target.webhook, body, headers, method="POST")
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=target.timeout) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        with error:
            _refused(error.code)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotDelivered(f"it cannot be reached: {getattr(error, 'reason', None) or error}") from error


def _refused(code: int) -> NoReturn:
    if 300 <= code < 400:
        raise NotDelivered(f"it answered {code}: redirects are not followed, give the final address", again=False)
    raise NotDelivered(f"it answered {code}", again=code >= 500 or code in (408, 425, 429))


def _mail(target: Notify, notice: Notice) -> None:
    parts = urlsplit(target.server)
    message = EmailMessage()
    message["Subject"] = " ".join(f"[queuemgr] {notice.event}: {notice.text}".split())[:200]
    message["From"], message["To"], message["Date"] = target.sender, ", ".join(target.email), formatdate()
    message["X-Queuemgr-Event"] = notice.event
    message.set_content(f"{notice.text}\n\nstore: {notice.store}\n\n{json_of(notice).decode()}\n")
    context = ssl.create_default_context() if parts.scheme != "smtp" else None
    try:
        with _server(parts.scheme, parts.hostname or "", parts.port or 0, target.timeout, context) as server:
            if parts.scheme == "smtp+starttls":
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        raise NotDelivered(f"the mail server refused {', '.join(error.recipients)}", again=False) from error
    except smtplib.SMTPAuthenticationError as error:
        raise NotDelivered("the mail server did not accept user and password", again=False) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered(f"the mail server did not take it: {error}") from error


def _server(scheme: str, host: str, port: int, timeout: float, context: ssl.SSLContext | None) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=timeout, context=context)
    return smtplib.SMTP(host, port or (587 if scheme == "smtp+starttls" else 25), timeout=timeout)


def _command(target: Notify, notice: Notice) -> None:
    try:
        process = subprocess.Popen(
            target.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise NotDelivered(f"it cannot be started: {error.strerror}", again=False) from error
    try:
        _, said = process.communicate(json_of(notice), timeout=target.timeout)
    except subprocess.TimeoutExpired:
        raise NotDelivered(f"it was stopped after {target.timeout:g} s") from None
    finally:
        _end(process)
    if process.returncode:
        words = said.decode("utf-8", "replace").strip()
        raise NotDelivered(f"it ended with code {process.returncode}{f': {words}' if words else ''}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing that it started stays behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stderr):
        _close(pipe)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(OSError):
            pipe.close()
