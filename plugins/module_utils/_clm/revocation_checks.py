# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CAs say has become of their certificates: asked now and then, of OCSP responders or by CRLs, and kept (E4).

A CA that revokes by itself is an outage that is known here before anybody calls. Asking it is no work that can fail:
what could not be told is kept with the certificate, and asked again later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._core.errors import ClmError, TransportError
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
NEXT_LOOK = timedelta(minutes=5)
"""A call that goes round and round looks so seldom for what is due: that costs it all certificates of the store."""
_AT_ONCE = 500


@dataclass
class _Check:
    """One certificate, and how far asking about it has come.

    :ivar problems: why there is no finding, a sentence each; ``tried``: URLs that gave none.
    """

    fingerprint: str
    proxy: str
    lines: Sequence[str]
    subject: Subject | None = None
    finding: Finding | None = None
    problems: list[str] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)

    def failed(self, url: str, why: str) -> None:
        """Note that a URL gave no finding."""
        self.tried.add(url)
        if why not in self.problems:
            self.problems.append(why)

    @property
    def is_open(self) -> bool:
        """Say whether somebody is left who could be asked."""
        if self.finding is not None or self.subject is None or self.subject.issuer is None:
            return False
        return any(url not in self.tried for url in (*self.subject.ocsp, *(one.url for one in self.subject.points)))


class Checks:
    """Asks what is due, round after round of one call; who did not answer is not asked again in it.

    :ivar count: certificates that were asked about.
    :ivar next_at: when the next one is due, UTC; None where nothing will be by itself.
    :ivar is_more: some are due still, for the round had its most fetches.
    """

    def __init__(self, ports: Ports, certificates: Sequence[str] = ()) -> None:
        self._ports, self._certificates = ports, certificates
        self._documents: dict[str, Documents] = {}
        # By proxy and host, and by proxy and URL: why nothing is asked there any more.
        self._away: dict[tuple[str, str], ClmError] = {}
        self._fetches = 0
        self._looked_at: datetime | None = None
        self.count = 0
        self.next_at: datetime | None = None
        self.is_more = False

    def look_ahead(self) -> None:
        """Work out what comes next; asks nobody."""
        with self._ports.store.read() as unit:
            self.next_at = revocation_lines.agenda(unit, self._ports.clock.now(), self._certificates).next_at

    def run(self) -> None:
        """Ask about what is due now, and keep what came of it."""
        now, self._fetches = self._ports.clock.now(), 0
        if self._looked_at is not None and now < self._looked_at + NEXT_LOOK and not self.is_more:
            return
        self._looked_at = now
        with self._ports.store.read() as unit:
            agenda = revocation_lines.agenda(unit, now, self._certificates)
        checks = [_Check(one, due.proxy, due.lines) for one, due in agenda.due.items()]
        for check in checks:
            self._read(check, agenda.due[check.fingerprint])
        self._by_lists([check for check in checks if check.is_open], now, least=SHARED)
        self._by_responders([check for check in checks if check.is_open], now)
        self._by_lists([check for check in checks if check.is_open], now, least=1)
        self._keep([check for check in checks if not check.is_open], agenda, now)
        self.is_more = any(check.is_open for check in checks)

    def _read(self, check: _Check, due: revocation_lines.Due) -> None:
        from .._pki.revocation import subject_of

        try:
            check.subject = subject_of(due.pem.leaf, [text for text in (due.pem.chain, due.pem.root) if text])
        except ClmError as exc:
            check.problems.append(exc.message)
            return
        if check.subject.has_sources and check.subject.issuer is None:
            check.problems.append("the certificate of its issuer is not in the store, which an answer is held against")

    def _by_responders(self, checks: Sequence[_Check], now: datetime) -> None:
        from .._pki.revocation import ocsp_request, read_ocsp

        for check in checks:
            subject = check.subject
            if subject is None:
                continue
            for url in subject.ocsp:
                if url in check.tried or self._is_spent():
                    continue
                try:
                    content = self._fetched(check.proxy, url, ocsp_request(subject), "application/ocsp-request")
                    check.finding = read_ocsp(content, subject, url, now)
                    break
                except ClmError as exc:
                    check.failed(url, exc.message)

    def _by_lists(self, checks: Sequence[_Check], now: datetime, *, least: int) -> None:
        """Have CRLs tell of the certificates that name them, those first that tell of most.

        :param least: a CRL that fewer certificates name is left out.
        """
        naming: dict[tuple[str, str], list[_Check]] = {}
        for check in checks:
            for point in check.subject.points if check.subject is not None else ():
                naming.setdefault((check.proxy, point.url), []).append(check)
        for (proxy, url), mine in sorted(naming.items(), key=lambda one: -len(one[1])):
            asking = [check for check in mine if check.finding is None and url not in check.tried]
            if len(asking) >= least and not self._is_spent():
                self._by_list(proxy, url, asking, now)

    def _by_list(self, proxy: str, url: str, checks: Sequence[_Check], now: datetime) -> None:
        """Fetch one CRL, and have it tell of all of these."""
        try:
            content = self._fetched(proxy, url)
        except ClmError as exc:
            for check in checks:
                check.failed(url, exc.message)
            return
        # Each issuer's is read once, and mostly there is one: that no CA of the same name publishes there is not sure.
        read: dict[object, RevocationList | ClmError] = {}
        for check in checks:
            subject = check.subject
            if subject is None or subject.issuer is None:
                continue
            if subject.issuer not in read:
                read[subject.issuer] = _read_list(content, subject.issuer, url, now)
            crl = read[subject.issuer]
            try:
                if isinstance(crl, ClmError):
                    raise crl
                check.finding = crl.finding(subject, next(one for one in subject.points if one.url == url))
            except ClmError as exc:
                check.failed(url, exc.message)

    def _fetched(self, proxy: str, url: str, body: bytes = b"", content_type: str = "") -> bytes:
        """Fetch a document, unless its host did not answer before, or refused just this.

        :raises ClmError: there is none.
        """
        host = _host_of(url)
        for place in (host, url):
            if (proxy, place) in self._away:
                raise self._away[proxy, place]
        if proxy not in self._documents:
            self._documents[proxy] = self._ports.documents(proxy)
        self._fetches += 1
        try:
            return self._documents[proxy].fetch(url, body, content_type)
        except ClmError as exc:
            self._away[proxy, host if isinstance(exc, TransportError) else url] = exc
            raise

    def _is_spent(self) -> bool:
        return self._fetches >= MOST_FETCHES

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


def _read_list(content: bytes, issuer: Any, url: str, now: datetime) -> RevocationList | ClmError:
    """Read a CRL, or give why it cannot be used."""
    from .._pki.revocation_lists import RevocationList

    try:
        return RevocationList(content, issuer, url, now)
    except ClmError as exc:
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
    return revocation_states.entry(UNKNOWN, checked_at=now, message=f"unknown, because {'; '.join(check.problems)}")
