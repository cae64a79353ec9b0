# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CAs say has become of their certificates: asked now and then, of OCSP responders or by CRLs, and kept (E4).

A CA that revokes by itself is an outage that is known here before anybody calls. Asking it is no work that can fail:
what could not be told is kept with the certificate, and asked again later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._core.errors import ClmError, RemoteError, TransportError, unexpected
from . import revocation_lines, revocation_states
from .ports import Ports
from .revocation_states import NOT_TOLD, UNKNOWN, Entry

if TYPE_CHECKING:
    from .._pki.revocation import Finding, Subject
    from .._pki.revocation_lists import RevocationList
    from .._revocation.base import Documents

SHARED = 5
"""From so many certificates on that name one CRL, the CRL is fetched for all rather than a responder asked for each."""
MOST_FETCHES = 200
"""Of one round, so that no other work waits long behind it; the next round goes on."""
MOST_SECONDS = 60.0
"""After which a round asks nothing new, for the same reason; what is being fetched then is fetched to its end."""
SLOW_SECONDS = 5.0
"""An answer that took longer is a slow one; who gave ``MOST_SLOW`` of them is asked no more in this call."""
MOST_SLOW = 2
NEXT_LOOK = timedelta(minutes=5)
"""A call that goes round and round looks so seldom for what is due: that costs it all certificates of the store."""
_AT_ONCE = 500


@dataclass
class _Check:
    """One certificate, and how far asking about it has come.

    :ivar failures: how often in a row nothing could be told before.
    :ivar problems: why there is no finding, a sentence each; ``tried``: URLs that gave none.
    :ivar is_begun: it is settled in this round, with whatever came of it.
    """

    fingerprint: str
    proxy: str
    lines: Sequence[str]
    failures: int = 0
    subject: Subject | None = None
    finding: Finding | None = None
    problems: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    is_begun: bool = False

    def failed(self, why: Exception, url: str = "") -> None:
        """Note that a URL gave no finding, or that something else failed; a fault of ours is a reason like others."""
        self.tried.add(url)
        sentence = why.message if isinstance(why, ClmError) else unexpected(why)
        if sentence not in self.problems:
            self.problems.append(sentence)

    @property
    def is_open(self) -> bool:
        """Say whether somebody is left who could be asked."""
        if self.finding is not None or self.subject is None or self.subject.issuer is None:
            return False
        return any(url not in self.tried for url in (*self.subject.ocsp, *self.lists))

    @property
    def lists(self) -> list[str]:
        """Give the URLs of the CRLs that it names."""
        return [one.url for one in self.subject.points] if self.subject is not None else []


class Checks:
    """Asks what is due, round after round of one call; who did not answer is not asked again in it.

    :ivar count: certificates that were asked about.
    :ivar next_at: when the next one is due, UTC; None where nothing will be by itself.
    :ivar is_more: some are due still, for the round had its most fetches, or its time.
    """

    def __init__(self, ports: Ports, certificates: Sequence[str] = ()) -> None:
        self._ports, self._certificates = ports, certificates
        self._documents: dict[str, Documents] = {}
        # By proxy and host, and by proxy and URL: why nothing is asked there any more.
        self._away: dict[tuple[str, str], ClmError] = {}
        # By proxy and host: how often it was slow.
        self._slow: Counter[tuple[str, str]] = Counter()
        self._fetches, self._began = 0, 0.0
        self._looked_at: datetime | None = None
        self.count = 0
        self.next_at: datetime | None = None
        self.is_more = False

    def look_ahead(self) -> None:
        """Work out what comes next; asks nobody."""
        with self._ports.store.read() as unit:
            self.next_at = revocation_lines.agenda(unit, self._ports.clock.now(), self._certificates).next_at

    def run(self) -> bool:
        """Ask about what is due now, and keep what came of it.

        :returns: False where it was looked for a moment ago, so that nothing was done.
        """
        now, self._fetches = self._ports.clock.now(), 0
        if self._looked_at is not None and now < self._looked_at + NEXT_LOOK and not self.is_more:
            return False
        self._looked_at, self.is_more = now, False
        with self._ports.store.read() as unit:
            agenda = revocation_lines.agenda(unit, now, self._certificates)
        checks = [_Check(one, due.proxy, due.lines, due.failures) for one, due in agenda.due.items()]
        for check in checks:
            self._read(check, agenda.due[check.fingerprint])
        self._ask([check for check in checks if check.is_open], now)
        settled = [check for check in checks if check.is_begun or not check.is_open]
        self._keep(settled, agenda, now)
        self.is_more = len(settled) < len(checks)
        return True

    def _ask(self, checks: Sequence[_Check], now: datetime) -> None:
        """Ask about one after the other, and of each all who could tell, until the round is over.

        What was begun is settled by that: each round gets on, however many hosts do not answer.
        """
        self._began = self._ports.clock.monotonic()
        naming: dict[tuple[str, str], list[_Check]] = {}
        for check in checks:
            for url in check.lists:
                naming.setdefault((check.proxy, url), []).append(check)

        def shared(check: _Check) -> int:
            most = max((len(naming[check.proxy, url]) for url in check.lists), default=0)
            return most if most >= SHARED else 0

        # Those first of which one CRL tells most.
        for check in sorted(checks, key=shared, reverse=True):
            if self._is_spent():
                return
            check.is_begun = True
            sizes = {url: len(naming[check.proxy, url]) for url in check.lists}
            lists = sorted(sizes, key=sizes.__getitem__, reverse=True)
            for url in lists:
                if sizes[url] >= SHARED:
                    self._by_list(url, check, naming[check.proxy, url], now)
            self._by_responders(check, now)
            for url in lists:
                self._by_list(url, check, naming[check.proxy, url], now)

    def _read(self, check: _Check, due: revocation_lines.Due) -> None:
        from .._pki.revocation import subject_of

        try:
            check.subject = subject_of(due.pem.leaf, [text for text in (due.pem.chain, due.pem.root) if text])
        except Exception as exc:
            check.failed(exc)
            return
        if check.subject.has_sources and check.subject.issuer is None:
            check.problems.append("the certificate of its issuer is not in the store, which an answer is held against")

    def _by_responders(self, check: _Check, now: datetime) -> None:
        from .._pki.revocation import ocsp_request, read_ocsp

        subject = check.subject
        for url in subject.ocsp if subject is not None else ():
            if subject is None or not check.is_open or url in check.tried or self._is_spent():
                continue
            try:
                content = self._fetched(check.proxy, url, ocsp_request(subject), "application/ocsp-request")
                check.finding = read_ocsp(content, subject, url, now)
            except Exception as exc:
                check.failed(exc, url)

    def _by_list(self, url: str, wanted: _Check, naming: Sequence[_Check], now: datetime) -> None:
        """Fetch one CRL, if it is wanted yet, and have it tell of all that name it."""
        if not wanted.is_open or url in wanted.tried or self._is_spent():
            return
        checks = [check for check in naming if check.finding is None and url not in check.tried]
        try:
            content = self._fetched(wanted.proxy, url)
        except Exception as exc:
            for check in checks:
                check.failed(exc, url)
            return
        # Each issuer's is read once, and mostly there is one: that no CA of the same name publishes there is not sure.
        read: dict[object, RevocationList | Exception] = {}
        for check in checks:
            subject = check.subject
            if subject is None or subject.issuer is None:
                continue
            if subject.issuer not in read:
                read[subject.issuer] = _read_list(content, subject.issuer, url, now)
            crl = read[subject.issuer]
            try:
                if isinstance(crl, Exception):
                    raise crl
                check.finding = crl.finding(subject, next(one for one in subject.points if one.url == url))
            except Exception as exc:
                check.failed(exc, url)

    def _fetched(self, proxy: str, url: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Fetch a document, unless its host did not answer before, was slow too often, or refused just this.

        :raises ClmError: there is none.
        """
        host, clock = _host_of(url), self._ports.clock
        for place in (host, url):
            if (proxy, place) in self._away:
                raise self._away[proxy, place]
        if proxy not in self._documents:
            self._documents[proxy] = self._ports.documents(proxy)
        self._fetches += 1
        began = clock.monotonic()
        try:
            return self._documents[proxy].fetch(url, body, content_type)
        except Exception as exc:
            failure = exc if isinstance(exc, ClmError) else RemoteError(f"Cannot fetch {url}: {unexpected(exc)}")
            self._away[proxy, host if isinstance(exc, TransportError) else url] = failure
            raise failure from exc
        finally:
            self._slow[proxy, host] += clock.monotonic() - began > SLOW_SECONDS
            if self._slow[proxy, host] >= MOST_SLOW:
                slow = f"it took more than {SLOW_SECONDS:g} s to answer, {MOST_SLOW} times; ask the CA why"
                self._away.setdefault((proxy, host), RemoteError(f"Cannot ask {host}: {slow}"))

    def _is_spent(self) -> bool:
        return self._fetches >= MOST_FETCHES or self._ports.clock.monotonic() - self._began >= MOST_SECONDS

    def _keep(self, checks: Sequence[_Check], agenda: revocation_lines.Agenda, now: datetime) -> None:
        answers = {check.fingerprint: _answer(check, now) for check in checks}
        self.count += sum(told["state"] != NOT_TOLD for told in answers.values())
        ids = sorted({line for check in checks for line in check.lines})
        for part in (slice(start, start + _AT_ONCE) for start in range(0, len(ids), _AT_ONCE)):
            with self._ports.store.write() as unit:
                lines = unit.certificates.find(certificate_id=ids[part])
                revocation_lines.keep(unit, lines, answers, agenda, self._ports.actor)
        following = [revocation_lines.due_at(told, agenda.due[one].every, now) for one, told in answers.items()]
        self.next_at = min((at for at in (agenda.next_at, *following) if at is not None), default=None)


def _host_of(url: str) -> str:
    """Give the host and port of a URL; the URL itself where it has none, which a certificate may say as well."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:
        return url


def _read_list(content: bytes, issuer: Any, url: str, now: datetime) -> RevocationList | Exception:
    """Read a CRL, or give why it cannot be used."""
    from .._pki.revocation_lists import RevocationList

    try:
        return RevocationList(content, issuer, url, now)
    except Exception as exc:
        return exc


def _answer(check: _Check, now: datetime) -> Entry:
    """Write what came of asking."""
    found = check.finding
    if found is not None:
        return revocation_states.entry(
            found.state, reason=found.reason, revoked_at=found.revoked_at, source=found.source, checked_at=now
        )
    if check.subject is not None and not check.subject.has_sources:
        message = "it names neither an OCSP responder nor a CRL, so that nobody can be asked"
        return revocation_states.entry(NOT_TOLD, message=message)
    problems = check.problems
    if check.is_open:
        problems = [*problems, "others were not asked, for the round was over"]
    message = f"unknown, because {'; '.join(problems)}"
    return revocation_states.entry(UNKNOWN, checked_at=now, message=message, failures=check.failures + 1)
