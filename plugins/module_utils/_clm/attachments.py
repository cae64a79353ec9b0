# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files kept with a certificate (E18): read from the form, kept sealed, given back after a look at their digest.

A name stands once for a certificate, and so does a content. No content goes into the audit, a message or a plan.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .._core.errors import InputError, StoreError
from .._core.files import NoPlainFile, read_plain
from .._core.governance import Attachment
from .._core.limits import MAX_BYTES, MAX_FILES, MAX_LINES, MAX_TEXT
from .._core.plan import Step
from .._core.redact import Secret
from .._core.types import AuditEntry
from .._store.base import Unit
from .ports import Params, Ports
from .views import View, text_of

STATES = ("present", "absent")


@dataclass(frozen=True)
class Draft:
    """One attachment as the form wants it.

    :ivar content: None where it is to be removed.
    :ivar comments: None leaves them as they are.
    """

    name: str
    content: bytes | None = field(default=None, repr=False)
    comments: str | None = None

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the content, empty where it is to be removed."""
        return "" if self.content is None else hashlib.sha256(self.content).hexdigest()


def drafted(params: Params) -> tuple[list[Draft], list[str]]:
    """Read the attachments of a form, files among them, and say everything wrong with them; stores nothing."""
    problems: list[str] = []
    drafts = [_draft(entry, problems) for entry in params.get("attachments") or ()]
    return drafts, problems + _twice(drafts)


def read(params: Params) -> list[Draft]:
    """Read the attachments of a form, files among them; stores nothing.

    :raises InputError: everything wrong with them, at once.
    """
    drafts, problems = drafted(params)
    if problems:
        raise InputError.of_problems("Cannot keep the attachments", problems)
    return drafts


@dataclass(frozen=True)
class _Change:
    """One thing to do.

    :ivar before: what is kept under the name now, without its content; ``draft`` is what is to be.
    """

    before: Attachment | None
    draft: Draft

    @property
    def action(self) -> str:
        """Give the audit's word."""
        if self.before is None:
            return "attachment_added"
        return "attachment_changed" if self.draft.content is not None else "attachment_removed"

    @property
    def sentence(self) -> str:
        """Say it, as a step does."""
        return f"{_VERBS[self.action]} attachment {self.draft.name!r}"


_VERBS = {"attachment_added": "Keep", "attachment_changed": "Change", "attachment_removed": "Remove"}


def steps(drafts: Sequence[Draft], certificate_id: str, request_id: str, ports: Ports) -> list[Step]:
    """Give the step that keeps the drafts; none where they are kept already.

    :raises InputError: together with those kept already they cannot be.
    """
    if not drafts:
        return []
    with ports.store.read() as unit:
        changes = _changes(unit, drafts, certificate_id)
    if not changes:
        return []

    def save() -> bool:
        with ports.store.write() as writing:
            keep(writing, drafts, certificate_id, request_id, ports.actor, ports.clock.now())
        return True

    return [Step(f"{', '.join(change.sentence for change in changes)} of {certificate_id}", save)]


def keep(
    unit: Unit, drafts: Sequence[Draft], certificate_id: str, request_id: str, actor: str, now: datetime
) -> list[str]:
    """Keep, change and remove attachments as drafted, each with its audit line; what is kept already stays untouched.

    :returns: a sentence for each change.
    :raises InputError: together with those kept already they cannot be; the unit is to be given up.
    """
    request = unit.requests.get(request_id)
    entry = AuditEntry(
        actor, "", "certificate", certificate_id, tracking_id=request.tracking_id if request is not None else ""
    )
    changes = _changes(unit, drafts, certificate_id)
    kept = [unit.attachments.get(change.before.attachment_id) if change.before else None for change in changes]
    wanted = [_wanted(change.draft, stored, certificate_id) for change, stored in zip(changes, kept, strict=True)]
    for stored, after in zip(kept, wanted, strict=True):
        # What gives way goes first: another name may get its content.
        if stored is not None and (after is None or after.attachment_id != stored.attachment_id):
            unit.attachments.remove(stored)
    for change, stored, after in zip(changes, kept, wanted, strict=True):
        if after is not None and after.version:
            unit.attachments.put(after)
        elif after is not None:
            unit.attachments.add(replace(after, request_id=request_id, actor=actor, created_at=now))
        unit.audit(replace(entry, action=change.action, before=_brief(stored), after=_brief(after)))
    return [change.sentence for change in changes]


def attachment_view(attachment: Attachment) -> View:
    """Show an attachment without its content."""
    return {
        "certificate": attachment.certificate_id,
        "name": attachment.name,
        "comments": attachment.comments,
        "digest": attachment.digest,
        "size": attachment.size,
        "request_id": attachment.request_id,
        "actor": attachment.actor,
        "created_at": text_of(attachment.created_at),
    }


def content_of(attachment: Attachment) -> str:
    """Give the content as base64, after a look at its digest.

    :raises StoreError: it is not the content that was attached.
    """
    content = attachment.content.disclose() if attachment.content is not None else ""
    try:
        digest = hashlib.sha256(base64.b64decode(content, validate=True)).hexdigest()
    except ValueError:
        digest = "none, it is no base64"
    if digest != attachment.digest:
        raise StoreError(
            f"Cannot give attachment {attachment.name!r} of {attachment.certificate_id}: its SHA-256 is {digest}, not "
            f"{attachment.digest} as when it was attached; restore a backup",
            code="store_damaged",
            details={"certificate": attachment.certificate_id, "attachment": attachment.name},
        )
    return content


# -- reading a form ----------------------------------------------------------------------------------------------------


def _draft(entry: Mapping[str, Any], problems: list[str]) -> Draft:
    name, comments = str(entry.get("name") or ""), entry.get("comments")
    found = _name_reasons(name)
    if comments is not None and len(comments) > MAX_LINES:
        found.append(f"has comments of {len(comments)} characters, {MAX_LINES} are allowed")
    content = None
    if entry.get("state") == "absent":
        given = [word for word in ("path", "content", "comments") if entry.get(word) is not None]
        if given:
            found.append(f"is to be absent and has {', '.join(given)}; leave that out")
    elif (entry.get("path") is None) == (entry.get("content") is None):
        found.append("needs either path or content")
    else:
        content, reason = _content(entry)
        found += [reason] if reason else []
    problems.extend(f"attachment {name[:64]!r} {reason}" for reason in found)
    return Draft(name, content, comments)


def _name_reasons(name: str) -> list[str]:
    if not name.strip():
        return ["has no name"]
    # Most calls bring no attachment, and need no rules.
    from .._core.field_rules import attachment_name_reason

    too_long = f"has a name of {len(name)} characters, {MAX_TEXT} are allowed" if len(name) > MAX_TEXT else ""
    return [reason for reason in (too_long, attachment_name_reason(name)) if reason]


def _content(entry: Mapping[str, Any]) -> tuple[bytes, str]:
    """Give the content, and why it cannot be kept or an empty text."""
    if entry.get("path") is not None:
        content, reason = _file(str(entry["path"]))
    else:
        content, reason = _encoded(str(entry["content"]))
    if reason:
        return content, reason
    if not content:
        return content, "is empty"
    return content, f"is larger than {MAX_BYTES} bytes, which are allowed" if len(content) > MAX_BYTES else ""


def _encoded(text: str) -> tuple[bytes, str]:
    try:
        return text.encode("utf-8"), ""
    except UnicodeEncodeError:
        return b"", "has a content that is no text in Unicode; give it as path"


def _file(path: str) -> tuple[bytes, str]:
    try:
        return read_plain(path, MAX_BYTES), ""
    except NoPlainFile:
        return b"", f"is no plain file: {path}"
    except (OSError, ValueError) as exc:
        return b"", f"cannot be read from {path}: {getattr(exc, 'strerror', None) or exc}"


def _twice(drafts: Sequence[Draft]) -> list[str]:
    problems: list[str] = []
    names: set[str] = set()
    digests: dict[str, str] = {}
    for draft in drafts:
        if draft.name in names:
            problems.append(f"attachment {draft.name!r} is there twice")
        elif draft.content and draft.digest in digests:
            problems.append(_same_content(draft.name, digests[draft.digest]))
        names.add(draft.name)
        digests.setdefault(draft.digest, draft.name)
    return problems


def _same_content(name: str, other: str) -> str:
    return (
        f"attachment {name!r} has the content of attachment {other!r}, and a content is kept once for a certificate; "
        "leave one of them out, or remove the other with state: absent"
    )


# -- against what is kept ----------------------------------------------------------------------------------------------


def _changes(unit: Unit, drafts: Sequence[Draft], certificate_id: str) -> list[_Change]:
    """Give what is to be done, removals first, so that a content can get another name in one call.

    :raises InputError: there would be too many, or one content under two names.
    """
    kept = {one.name: one for one in unit.attachments.outlines(certificate_id=certificate_id)}
    changes = [_Change(kept.get(draft.name), draft) for draft in drafts if not _is_kept(draft, kept.get(draft.name))]
    changes.sort(key=lambda change: change.draft.content is not None)
    given = {draft.name: draft for draft in drafts}
    problems = [
        _same_content(draft.name, one.name)
        for draft in drafts
        for one in kept.values()
        if one.digest == draft.digest and one.name not in given
    ]
    left = set(kept) | set(given)
    left -= {draft.name for draft in drafts if draft.content is None}
    if len(left) > MAX_FILES:
        problems.append(f"there would be {len(left)} attachments, {MAX_FILES} are allowed for a certificate")
    if problems:
        raise InputError.of_problems(f"Cannot keep the attachments of {certificate_id}", problems)
    return changes


def _is_kept(draft: Draft, kept: Attachment | None) -> bool:
    if kept is None or draft.content is None:
        return kept is None and draft.content is None
    return kept.digest == draft.digest and draft.comments in (None, kept.comments)


def _wanted(draft: Draft, stored: Attachment | None, certificate_id: str) -> Attachment | None:
    """Give the attachment as it is to be, None where it is to be gone; a kept content is not sealed anew."""
    if draft.content is None:
        return None
    comments = draft.comments if draft.comments is not None else (stored.comments if stored is not None else "")
    if stored is not None and stored.digest == draft.digest:
        return replace(stored, comments=comments)
    return Attachment(
        f"{certificate_id}/{draft.digest}",
        certificate_id,
        draft.name,
        comments=comments,
        digest=draft.digest,
        size=len(draft.content),
        content=Secret(base64.b64encode(draft.content).decode("ascii")),
    )


def _brief(attachment: Attachment | None) -> View | None:
    """Show in the audit what was attached: enough to prove it later, and nothing of it."""
    if attachment is None:
        return None
    return {name: getattr(attachment, name) for name in ("name", "comments", "digest", "size")}
