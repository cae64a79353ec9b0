# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People are told what they have to do by real mail and a real HTTPS receiver: once, whole, and with nobody's words
steering anything. The module is run as Ansible runs it.
"""

from __future__ import annotations

import json
import pathlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.modules import clm_notify
from ansible_collections.edgecert.clm.tests.support.post_office import (
    LOGIN,
    Chat,
    PostOffice,
    chat,
    plain_text,
    post_office,
)
from ansible_collections.edgecert.clm.tests.support.run_module import run

HOSTILE = (
    "</td><script>alert(1)</script>\r\nBcc: thief@example.com\n\n<!channel> @here [x](https://evil) \x1b[31m\u202e"
)
EVENT = {
    "event_id": "expiring:www.example.com",
    "kind": "expiring",
    "severity": "critical",
    "certificate": "www.example.com",
    "device": "edge",
    "since": "2026-11-20T00:00:00Z",
    "deadline": "2026-12-05T00:00:00Z",
    "who": ["ada", "bob"],
    "what_to_do": "renew it",
}
PENDING = {
    "kind": "work_order",
    "work_order_id": "wo-1",
    "request_id": None,
    "certificate": "shop.example.com",
    "device": "edge",
    "action": "push",
    "network": "staging",
    "state": "submitted",
    "actor": "ada",
    "waits_for": "waits for approval 1 of 2",
    "may_not_approve": ["ada"],
    "not_after": "2099-01-01T00:00:00Z",
    "last_safe_at": None,
}
FAILED = {
    "kind": "retrievals",
    "request_id": "req-2",
    "certificate": "api.example.com",
    "reason": "ca_refused",
    "message": "the CA says no",
}


@dataclass
class World:
    """The servers, and a folder for the file of what was told."""

    office: PostOffice
    chat: Chat
    folder: pathlib.Path

    def tell(self, *, check: bool = False, **options: Any) -> Any:
        """Run the module."""
        wanted = {"events": [EVENT], "mail": self.office.mail(), **options}
        return run(clm_notify.main, {name: value for name, value in wanted.items() if value is not None}, check=check)

    def hook(self, **changes: Any) -> dict[str, Any]:
        """Give an entry of ``webhooks``."""
        return {"url": self.chat.url, "ca_path": self.chat.ca_path, "timeout": 10, **changes}

    @property
    def state(self) -> str:
        """Give where the file of what was told is."""
        return str(self.folder / "told.json")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostOffice, Chat]]:
    with post_office(tmp_path_factory.mktemp("mail")) as office, chat(tmp_path_factory.mktemp("chat")) as receiver:
        yield office, receiver


@pytest.fixture
def world(servers: tuple[PostOffice, Chat], tmp_path: pathlib.Path) -> World:
    office, receiver = servers
    office.box.letters.clear()
    office.box.people.clear()
    office.box.refuses, office.box.answer = (), "250 taken"
    receiver.calls.clear()
    receiver.status, receiver.body = 200, "ok"
    return World(office, receiver, tmp_path)


# -- mail ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_a_mail_says_who_has_to_do_what_by_when(world: World, security: str) -> None:
    """Issue 7: by a server of others, in clear only where that was asked for."""
    done = world.tell(mail=world.office.mail(security, cc=["boss@example.com"], reply_to="team@example.com"))
    assert done["changed"] and done["notification"]["told"] == [EVENT["event_id"]]
    [letter], [people] = world.office.box.letters, world.office.box.people
    assert people == ["ops@example.com", "boss@example.com"]
    assert (letter["From"], letter["To"], letter["Cc"]) == (
        "certificates@example.com",
        "ops@example.com",
        "boss@example.com",
    )
    assert (letter["Reply-To"], letter["Auto-Submitted"]) == ("team@example.com", "auto-generated")
    assert letter["Subject"] == "[certificates] www.example.com: renew it, by 2026-12-05T00:00:00Z"
    for words in ("critical: www.example.com: renew it", "who: ada, bob", "by: 2026-12-05T00:00:00Z", "device: edge"):
        assert words in plain_text(letter, "plain")
    assert "<td>www.example.com</td><td>renew it</td><td>ada, bob</td>" in plain_text(letter, "html")


def test_all_sources_are_one_message_the_most_severe_first(world: World) -> None:
    """W2, W4: approvals with who may not give them, failures of the runner, events; of one record one thing."""
    states = {"wo-1": ("submitted", False), "wo-3": ("deploying_staging", True), "wo-4": ("needs_decision", False)}
    waiting = [
        {"kind": "pushes", "work_order_id": key, "state": state, "is_moving": is_moving, "next": "what is next"}
        for key, (state, is_moving) in states.items()
    ]
    lifecycle = {"failures": [FAILED], "waiting": waiting}
    done = world.tell(pending=[PENDING], lifecycle=lifecycle)
    told = done["notification"]["notices"]
    assert [(one["kind"], one["severity"]) for one in told] == [
        ("expiring", "critical"),
        ("work_failed", "error"),
        ("approval_wanted", "warning"),
        ("waits_for_a_person", "warning"),
    ]
    approval = told[2]
    assert (approval["who"], approval["work_order_id"]) == ("somebody other than ada", "wo-1")
    assert approval["what"] == "push to staging, asked for by ada: waits for approval 1 of 2"
    assert world.office.box.letters[0]["Subject"].startswith(
        "[certificates] 4 things to do, 1 of them critical, the first by 2026-12-05"
    )


def test_what_happened_is_told_with_what_to_do_and_what_is_over_as_over(world: World) -> None:
    """Issue 7: who reads a mail knows what is so, where, and why; an all-clear asks nobody for anything."""
    event = {**EVENT, "message": "staging serves another one", "network": "staging", "reason": "served_otherwise"}
    world.tell(events=[event])
    told = plain_text(world.office.box.letters[-1], "plain")
    for words in ("staging serves another one; renew it", "kind: expiring, served_otherwise", "network: staging"):
        assert words in told
    for status in ("cleared", "recovered"):
        [over] = world.tell(events=[{**event, "status": status}])["notification"]["notices"]
        assert over["status"] == "over" and over["what"] == "over: staging serves another one"
        assert (over["who"], over["deadline"]) == ("", "")
    assert "renew it" not in plain_text(world.office.box.letters[-1], "plain")
    world.tell(events=[{**event, "status": "cleared"}, {**event, "status": "cleared", "event_id": "another"}])
    assert world.office.box.letters[-1]["Subject"] == "[certificates] 2 things are over"


def test_what_others_wrote_steers_neither_mail_nor_page_nor_chat(world: World) -> None:
    """No header, no markup, no mention, no link, no escape sequence comes of it."""
    event = {**EVENT, "event_id": HOSTILE, "certificate": HOSTILE, "what_to_do": HOSTILE, "who": [HOSTILE]}
    hooks = [world.hook(format=form) for form in ("slack", "teams")]
    world.tell(events=[event], webhooks=hooks, subject_prefix="[x]\r\nBcc: thief@example.com")
    [letter], [people] = world.office.box.letters, world.office.box.people
    assert people == ["ops@example.com"] and letter["Bcc"] is None
    page, text = plain_text(letter, "html"), plain_text(letter, "plain")
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "\x1b" not in text + page and "\u202e" not in text + page + letter["Subject"]
    slack, teams = (body for _path, _headers, body in world.chat.calls)
    assert "<!channel>" not in slack["text"] and "&lt;!channel&gt;" in slack["text"] and "@here" not in slack["text"]
    blocks = teams["attachments"][0]["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    assert {run_["type"] for block in blocks for run_ in block["inlines"]} == {"TextRun"}, "a text block knows links"


def test_nothing_to_say_is_nothing_sent(world: World) -> None:
    done = world.tell(events=[], pending=[], lifecycle={"failures": [], "waiting": [], "done": [{"kind": "pushes"}]})
    assert not done["changed"] and done["notification"]["deliveries"] == []
    assert not world.tell(severity="critical", events=[{**EVENT, "severity": "warning"}])["changed"]
    assert not world.tell(since="2026-11-21T00:00:00Z")["changed"]
    assert world.office.box.letters == []


def test_in_check_mode_it_is_only_said(world: World) -> None:
    done = world.tell(check=True, state_path=world.state)
    assert done["changed"] and "Send 1 notices by mail to ops@example.com" in done["steps"][0]
    assert world.office.box.letters == [] and not pathlib.Path(world.state).exists()


# -- once ----------------------------------------------------------------------------------------------------------


def test_each_thing_is_told_once_and_again_when_it_changed_or_came_back(world: World) -> None:
    assert world.tell(state_path=world.state)["changed"]
    assert stat.S_IMODE(pathlib.Path(world.state).stat().st_mode) == 0o600
    again = world.tell(state_path=world.state)
    assert not again["changed"] and again["notification"]["told_before"] == [EVENT["event_id"]]
    assert world.tell(state_path=world.state, events=[{**EVENT, "deadline": "2026-12-01T00:00:00Z"}])["changed"]
    other = {**EVENT, "event_id": "expiring:other"}
    world.tell(state_path=world.state, events=[other])
    assert world.tell(state_path=world.state)["changed"], "it was settled meanwhile"
    assert len(world.office.box.letters) == 4


def test_what_was_settled_while_there_was_nothing_to_tell_is_told_again(world: World) -> None:
    """Unless nothing was handed over at all, as where nobody could look."""
    given: dict[str, Any] = {"state_path": world.state, "repeat_after_hours": 0}
    world.tell(**given)
    assert not world.tell(**given, events=None)["changed"]
    assert not world.tell(**given)["changed"]
    assert not world.tell(**given, events=[], check=True)["changed"]
    assert not world.tell(**given)["changed"], "check mode keeps all as it is"
    assert not world.tell(**given, events=[])["changed"]
    assert world.tell(**given)["changed"]


def test_what_is_still_to_be_done_is_told_again_after_a_while(world: World) -> None:
    world.tell(state_path=world.state)
    path = pathlib.Path(world.state)
    held = path.read_text(encoding="utf-8")
    state = json.loads(held)
    for told in state["told"].values():
        for entry in told.values():
            entry["at"] = "2026-01-01T00:00:00Z"
    path.write_text(json.dumps(state), encoding="utf-8")
    assert not world.tell(state_path=world.state, repeat_after_hours=0)["changed"]
    assert world.tell(state_path=world.state)["changed"]


def test_a_channel_that_fails_keeps_no_other_from_it_and_is_the_only_one_tried_again(world: World) -> None:
    world.chat.status, world.chat.body = 500, "broken\r\n\x1b[31m" + "x" * 999
    given: dict[str, Any] = {"webhooks": [world.hook()], "state_path": world.state}
    done = world.tell(**given)
    assert done["failed"] and done["failure"]["code"] == "webhook_refused" and done["changed"]
    assert done["notification"]["failed_channels"] == [f"webhook at {world.chat.url.split('/')[2]}"]
    assert len(world.office.box.letters) == 1 and "\x1b" not in done["msg"] and len(done["msg"]) < 500
    world.chat.status = 200
    assert world.tell(**given)["changed"]
    assert (len(world.office.box.letters), len(world.chat.calls)) == (1, 2)
    assert not world.tell(**given)["changed"]


def test_several_channels_that_fail_for_reasons_of_their_own_are_told_together(world: World) -> None:
    world.chat.status = 500
    done = world.tell(mail=world.office.mail(password="S3cret-but-wrong"), webhooks=[world.hook()])
    assert done["failure"]["code"] == "not_delivered" and not done["changed"]
    codes = [one["code"] for one in done["failure"]["details"]["failures"]]
    assert sorted(codes) == ["mail_login_refused", "webhook_refused"]


# -- webhooks ------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_all_of_it_as_json_with_the_headers_given(world: World) -> None:
    done = world.tell(mail=None, webhooks=[world.hook(headers={"Authorization": "Bearer S3cret-of-header"})])
    [(path, headers, body)] = world.chat.calls
    assert (path, headers["Authorization"]) == ("/services/T00/S3cret-of-hook", "Bearer S3cret-of-header")
    assert body["source"] == "edgecert.clm" and body["notices"][0]["certificate"] == "www.example.com"
    assert "S3cret" not in json.dumps(done)


def test_a_url_keeps_its_query(world: World) -> None:
    world.tell(mail=None, webhooks=[world.hook(url=f"{world.chat.url}?sig=a%2Bb%3D&v=1")])
    assert world.chat.calls[0][0].endswith("?sig=a%2Bb%3D&v=1")


def test_a_webhook_that_nobody_answers_is_told_by_its_host_alone(world: World) -> None:
    """Its path is the secret."""
    url = world.chat.url.replace(world.chat.url.split("/")[2], "127.0.0.1:9")
    done = world.tell(mail=None, webhooks=[world.hook(url=url)])
    assert done["failure"]["code"] == "webhook_unreachable" and "127.0.0.1:9: no answer" in done["msg"]
    assert "S3cret" not in json.dumps(done)


# -- what goes wrong -----------------------------------------------------------------------------------------------


def test_a_wrong_password_is_told_and_not_shown(world: World) -> None:
    done = world.tell(mail=world.office.mail(password="S3cret-but-wrong"))
    assert done["failure"]["code"] == "mail_login_refused" and "535" in done["msg"]
    assert "S3cret" not in json.dumps(done) and not done["changed"] and done["notification"]["told"] == []


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"security": "none", "username": None, "password": None}, "mail_refused", "530"),
        ({"ca_path": None}, "mail_unreachable", "its certificate is not trusted"),
        ({"port": 9}, "mail_unreachable", "no connection"),
    ],
)
def test_a_server_that_cannot_be_used_is_told(world: World, changes: dict[str, Any], code: str, words: str) -> None:
    mail = {name: value for name, value in world.office.mail(**changes).items() if value is not None}
    mail["port"] = changes.get("port", world.office.ports["starttls"])
    done = world.tell(mail=mail)
    assert (done["failure"]["code"], words in done["msg"], done["changed"]) == (code, True, False)


def test_a_server_without_starttls_gets_no_mail_in_clear(world: World) -> None:
    done = world.tell(mail=world.office.mail(port=world.office.ports["none"]))
    assert done["failure"]["code"] == "mail_not_secured" and world.office.box.letters == []


def test_people_whom_the_server_does_not_take_are_named(world: World) -> None:
    """The others have got it: it is not sent to them again and again, and it is a failure all the same."""
    world.office.box.refuses = ("gone@example.com",)
    done = world.tell(mail=world.office.mail(to=["ops@example.com", "gone@example.com"]))
    assert done["failure"]["code"] == "mail_refused" and "gone@example.com: 550 no such person" in done["msg"]
    assert world.office.box.people == [["ops@example.com"]]
    world.office.box.refuses = ("gone@example.com", "ops@example.com")
    done = world.tell(mail=world.office.mail(to=["ops@example.com", "gone@example.com"]))
    assert done["failure"]["code"] == "mail_refused" and len(world.office.box.letters) == 1


def test_people_who_took_a_message_do_not_get_it_again_for_those_who_did_not(world: World) -> None:
    world.office.box.refuses = ("gone@example.com",)
    people = world.office.mail(to=["ops@example.com", "gone@example.com"])
    given: dict[str, Any] = {"mail": people, "state_path": world.state}
    assert world.tell(**given)["notification"]["told"] == [EVENT["event_id"]]
    assert not world.tell(**given).get("failed")
    assert len(world.office.box.letters) == 1
    world.office.box.refuses = ("gone@example.com", "ops@example.com")
    later: dict[str, Any] = {**given, "events": [{**EVENT, "deadline": "2026-12-01T00:00:00Z"}]}
    assert [world.tell(**later)["failed"] for _turn in range(2)] == [True, True], "nobody took that one"


def test_when_it_is_looked_at_again_is_nothing_new(world: World) -> None:
    def waits(at: str) -> dict[str, Any]:
        entry = {"kind": "pushes", "work_order_id": "wo-9", "certificate": "www.example.com", "is_moving": False}
        told = {"message": "the approval has expired", "next": f"it is tried again at {at}", "next_look_at": at}
        return {"waiting": [{**entry, **told}]}

    given: dict[str, Any] = {"events": None, "state_path": world.state}
    assert world.tell(**given, lifecycle=waits("2026-11-30T12:00:00Z"))["changed"]
    assert not world.tell(**given, lifecycle=waits("2026-11-30T12:15:00Z"))["changed"]


def test_a_message_that_is_put_off_may_be_tried_again(world: World) -> None:
    world.office.box.answer = "451 later"
    done = world.tell()
    assert (done["failure"]["code"], done["failure"]["retryable"]) == ("mail_refused", True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mail": {"to": []}}, "to names nobody"),
        ({"mail": {"to": ["ops@example.com\r\nBcc: thief@example.com"]}}, "to 'ops@example.com Bcc: thief"),
        ({"mail": {"to": ["ops@bücher.example"]}}, "a domain of other letters as xn--"),
        ({"mail": {"sender": "nobody"}}, "from 'nobody' is no address"),
        ({"mail": {"host": "mail example"}}, "host 'mail example'"),
        ({"mail": {"host": "localhost:25"}}, "write the port of host as port"),
        ({"mail": {"port": 0}}, "port 0 is no number"),
        ({"mail": {"security": "none"}}, "a password is not sent in clear"),
        ({"mail": {"password": None}}, "username and password go together"),
        ({"mail": {"timeout": 0}}, "timeout must be"),
        ({"mail": {"ca_path": "/nowhere/ca.pem"}}, "ca_path /nowhere/ca.pem cannot be used"),
        ({"mail": None}, "give mail, webhooks or both"),
        ({"repeat_after_hours": -1}, "repeat_after_hours is less than 0"),
        ({"since": "soon"}, "since 'soon' is no time"),
        ({"events": [{"kind": "x"}]}, "event 1 has no event_id"),
        ({"lifecycle": {"failures": "no list"}}, "failures of lifecycle is no list"),
        ({"webhooks": [{"url": "http://hooks.example.com/S3cret"}]}, "in clear anybody on the way"),
        ({"webhooks": [{"url": "https://u:S3cret@hooks.example.com/"}]}, "url has a user name in it"),
        ({"webhooks": [{"url": "https://hooks.example.com/a b"}]}, "url has a blank"),
        ({"webhooks": [{"url": "https://hooks.example.com/", "headers": {"A:b": "x"}}]}, "is no name of a header"),
        ({"webhooks": [{"url": "https://hooks.example.com/", "headers": {"A": "x\r\nB: y"}}]}, "line break"),
    ],
)
def test_wrong_options_are_told_before_anything_is_sent(world: World, options: dict[str, Any], words: str) -> None:
    if options.get("mail"):
        given = {**world.office.mail(), **options["mail"]}
        options = {**options, "mail": {name: value for name, value in given.items() if value is not None}}
    done = world.tell(**options)
    assert done["failed"] and done["failure"]["code"] == "invalid_input" and words in done["msg"]
    assert world.office.box.letters == [] and "S3cret" not in json.dumps(done) and LOGIN[1] not in json.dumps(done)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2, "told": {}}', '{"version": 1, "told": {"x": {"y": 1}}}'])
def test_a_file_that_is_something_else_is_neither_used_nor_overwritten(world: World, content: str) -> None:
    path = pathlib.Path(world.state)
    path.write_text(content, encoding="utf-8")
    done = world.tell(state_path=world.state)
    assert done["failure"]["code"] == "state_unreadable" and path.read_text(encoding="utf-8") == content


def test_a_place_where_nothing_can_be_remembered_is_told(world: World) -> None:
    done = world.tell(state_path=str(world.folder / "nowhere" / "told.json"))
    assert done["failed"] and done["failure"]["code"] in ("file_unwritable", "invalid_input")
    assert world.office.box.letters == [], "it would be told again and again"
