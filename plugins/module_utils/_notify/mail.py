# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail by SMTP: TLS from the start or by STARTTLS, a login, one message with a text and an HTML part."""

from __future__ import annotations

import hashlib
import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from .._core.errors import AuthError, InputError, RemoteError, TransportError
from .._core.hosts import host_reasons
from .._core.notices import Message, plain
from .._core.redact import Secret

PORTS: Mapping[str, int] = {"starttls": 587, "tls": 465, "none": 25}
"""Ways to secure it, each with its usual port."""
_WHAT = "Cannot send mail"
# RFC 5321 §4.1.2 as far as mail systems use it; quoted local parts are nothing that anybody has.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")


@dataclass(frozen=True)
class MailOptions:
    """How mail is sent.

    :ivar security: of ``PORTS``.
    :ivar username: and ``password``: the login; None for none.
    :ivar sender: address it is from; ``to``, ``cc``: those it goes to; ``reply_to`` may be empty.
    :ivar ca_path: file of PEM CA certificates that replaces the system's, or None.
    """

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    reply_to: str = ""
    username: str | None = None
    password: Secret | None = None
    ca_path: str | None = None
    validate_certs: bool = True
    timeout_s: float = 30.0

    def problems(self) -> list[str]:
        """Give everything that is wrong with it, a sentence each."""
        found = [f"host {self.host!r}: {reason}" for reason in host_reasons(self.host) if "fully" not in reason]
        if ":" in self.host and not self.host.startswith("["):
            found = ["write the port of host as port"]
        if not 0 < self.port < 65536:
            found.append(f"port {self.port} is no number from 1 to 65535")
        named = {"from": [self.sender], "to": self.to, "cc": self.cc}
        named["reply_to"] = [self.reply_to] if self.reply_to else []
        found += [
            f"{option} {plain(one)!r} is no address; write it as ops@example.com, a domain of other letters as xn--"
            for option, addresses in named.items()
            for one in addresses
            if not _ADDRESS.fullmatch(one)
        ]
        if not self.to:
            found.append("to names nobody")
        if (self.username is None) != (self.password is None):
            found.append("username and password go together")
        if self.password is not None and self.security == "none":
            found.append("a password is not sent in clear; use security: starttls or tls")
        if self.timeout_s <= 0:
            found.append("timeout must be 1 second or more")
        return found


class MailChannel:
    """Sends each message in a connection of its own.

    :raises InputError: the options cannot be used, with everything that is wrong; nothing was sent.
    """

    def __init__(self, options: MailOptions) -> None:
        problems = options.problems()
        if problems:
            raise InputError.of_problems(_WHAT, problems)
        self._options = options
        self._context = _context(options)
        people = ", ".join((*options.to, *options.cc))
        self.key = "mail:" + hashlib.sha256(f"{options.host} {people}".encode()).hexdigest()[:16]
        self.shown = f"mail to {people} through {options.host}:{options.port}"

    def deliver(self, message: Message) -> None:
        """Send it to all of them.

        :raises AuthError: code ``mail_login_refused``.
        :raises RemoteError: code ``mail_refused``, or ``mail_not_secured`` where the server offers no STARTTLS.
        :raises TransportError: nobody answers, or breaks off; the message may have been taken then.
        """
        options, sent, is_taken = self._options, False, True
        try:
            with self._connected() as server:
                if options.username is not None and options.password is not None:
                    server.login(options.username, options.password.reveal())
                sent = True
                refused = server.send_message(self._letter(message), options.sender, [*options.to, *options.cc])
        except smtplib.SMTPAuthenticationError as exc:
            raise AuthError(
                f"{_WHAT} through {options.host}: the login of {options.username} was refused ({_said(exc)}); check "
                "username and password",
                status=exc.smtp_code,
                code="mail_login_refused",
            ) from None
        except smtplib.SMTPNotSupportedError as exc:
            raise RemoteError(
                f"{_WHAT} through {options.host}: {plain(exc)}; use another security, or none where the way is trusted",
                code="mail_not_secured",
            ) from None
        except smtplib.SMTPRecipientsRefused as exc:
            refused, is_taken = exc.recipients, False
        except smtplib.SMTPResponseException as exc:
            raise self._refused(_said(exc), exc.smtp_code) from None
        except (smtplib.SMTPException, OSError) as exc:
            raise self._broken(exc, sent=sent) from None
        if refused:
            told = "; ".join(f"{one}: {code} {_words(words)}" for one, (code, words) in sorted(refused.items()))
            code = next(iter(refused.values()))[0]
            raise self._refused(f"not taken for {told}", code, sorted(refused), is_taken=is_taken)

    def _connected(self) -> smtplib.SMTP:
        options = self._options
        if options.security == "tls":
            return smtplib.SMTP_SSL(options.host, options.port, timeout=options.timeout_s, context=self._context)
        server = smtplib.SMTP(options.host, options.port, timeout=options.timeout_s)
        if options.security == "starttls":
            try:
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server

    def _letter(self, message: Message) -> EmailMessage:
        options, letter = self._options, EmailMessage(policy=SMTP)
        letter["Subject"] = plain(message.subject, 200)
        letter["From"] = options.sender
        letter["To"] = ", ".join(options.to)
        if options.cc:
            letter["Cc"] = ", ".join(options.cc)
        if options.reply_to:
            letter["Reply-To"] = options.reply_to
        letter["Date"] = format_datetime(message.at)
        letter["Message-ID"] = make_msgid(domain=options.sender.partition("@")[2])
        # No out-of-office reply to a program; RFC 3834.
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        letter.add_alternative(message.html, subtype="html")
        return letter

    def _refused(
        self, came_back: str, status: int, people: Sequence[str] = (), *, is_taken: bool = False
    ) -> RemoteError:
        # 4yz says that it may be tried again as it is; RFC 5321 §4.2.1.
        details = {"refused": list(people), "is_taken": is_taken} if people else {}
        return RemoteError(
            f"{_WHAT} through {self._options.host}: {came_back}; check the addresses, and whether this machine "
            "may send there",
            status=status,
            code="mail_refused",
            retryable=400 <= status < 500,
            details=details,
        )

    def _broken(self, exc: Exception, *, sent: bool) -> TransportError:
        options = self._options
        advice = "check host, port and firewalls, and that security is what the server speaks there"
        if isinstance(exc, ssl.SSLCertVerificationError):
            kind, came_back = "tls", f"its certificate is not trusted ({exc.verify_message})"
            advice = "give the CA that signed it as ca_path, and check that host is the name in the certificate"
        elif isinstance(exc, ssl.SSLError):
            kind, came_back = "tls", "the TLS handshake failed"
        elif isinstance(exc, TimeoutError):
            kind, came_back = "timeout", f"no answer within {options.timeout_s:g} seconds"
        elif isinstance(exc, OSError) and exc.strerror:
            kind, came_back = "connect", f"no connection ({exc.strerror})"
        else:
            kind, came_back = "reset", "the connection broke off"
        return TransportError(
            f"{_WHAT} through {options.host}:{options.port}: {came_back}; {advice}",
            kind=kind,
            sent=sent,
            code="mail_unreachable",
        )


def _context(options: MailOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca_path)
    except (OSError, ssl.SSLError) as exc:
        raise InputError(
            f"{_WHAT}: ca_path {options.ca_path} cannot be used ({exc.strerror or exc}); give a file of PEM "
            "certificates"
        ) from exc
    if not options.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _said(exc: smtplib.SMTPResponseException) -> str:
    return f"{exc.smtp_code} {_words(exc.smtp_error)}"


def _words(text: bytes | str) -> str:
    """Give a server's words in one line; they are shown, and may be anything."""
    return plain(text.decode("utf-8", "replace") if isinstance(text, bytes) else text, 200)
