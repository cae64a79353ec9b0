# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the surveys and credential types of the AWX pack, from the documentation of options and the tables of CAs."""

from __future__ import annotations

import functools
import importlib
import json
import pathlib
import re
import sys
from collections.abc import Mapping
from typing import Any

import field_pages
import yaml
from awx_tables import LINES, LIST, PAIRS, SURVEYS, Ask
from common import TOP
from field_pages import LEFT_OUT

from ansible_collections.edgecert.clm.plugins.module_utils._ca import registry

CREDENTIAL_TYPES = TOP / "extensions" / "awx" / "credential_types.json"
OF_ROLE = TOP / "roles" / "awx" / "vars" / "credential_types.yml"
_MARKUP = re.compile(r"\b(RV|[A-Z])\(([^()]*)\)")
_ONE_OF = re.compile(r"One of: ([\w, ]+)\.$")


# -- documentation -----------------------------------------------------------------------------------------------------


_PLUGINS = "ansible_collections.edgecert.clm.plugins"


@functools.cache
def options(module: str) -> dict[str, Any]:
    """Give the options of a module, those of its fragments among them, by their names."""
    own = yaml.safe_load(importlib.import_module(f"{_PLUGINS}.modules.{module}").DOCUMENTATION)
    found: dict[str, Any] = {}
    for name in own.get("extends_documentation_fragment", []):
        fragment = importlib.import_module(f"{_PLUGINS}.doc_fragments.{name.rpartition('.')[2]}")
        found.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION).get("options", {}))
    return {**found, **own["options"]}


def option(path: str) -> dict[str, Any]:
    """Give the documentation of one option; :raises KeyError: there is none, so that a renamed option is noticed."""
    module, name, *members = path.split(".")
    found: dict[str, Any] = options(module)[name]
    for member in members:
        found = found["suboptions"][member]
    return found


def plain(text: str) -> str:
    """Give a text of documentation without its markup."""
    return _MARKUP.sub(_unmarked, text)


def _unmarked(found: re.Match[str]) -> str:
    # Only names of options carry the module that they are of.
    return found[2].rpartition("#")[2].rpartition(":")[2] if found[1] in ("O", "RV") else found[2]


# -- surveys -----------------------------------------------------------------------------------------------------------


def question(ask: Ask) -> dict[str, Any]:
    """Give one question, as AWX reads it."""
    told = option(ask.option) if ask.option else {}
    described = told.get("description", [])
    words = [plain(line) for line in ([described] if isinstance(described, str) else described)[:2]]
    how = {LIST: "One a line.", PAIRS: "One name=value a line."}.get(ask.form, "")
    choices = _choices(ask, told)
    texts = "textarea" if ask.form in (LIST, PAIRS, LINES) else "text"
    return {
        "question_name": ask.label,
        "question_description": " ".join(part for part in (*words, ask.says, how) if part),
        "required": ask.required,
        "type": "multiplechoice" if choices else texts,
        "variable": f"clm_{ask.variable}",
        "min": None,
        "max": None,
        "default": ask.default or (LEFT_OUT if choices else ""),
        "choices": choices or "",
        "new_question": True,
    }


def _choices(ask: Ask, told: Mapping[str, Any]) -> list[str]:
    named = _ONE_OF.search(ask.says)
    if named:
        return named.group(1).split(", ")
    if told.get("type") == "bool" or ask.default in ("true", "false"):
        return ["true", "false"]
    found = [str(one) for one in told.get("choices", [])] if ask.form != LIST else []
    return found if ask.default or not found else [LEFT_OUT, *found]


def survey(playbook: str) -> dict[str, Any]:
    """Give the survey of one playbook."""
    made = SURVEYS[playbook]
    return {
        "name": made.title,
        "description": f"Questions of playbooks/{playbook}.yml; what is empty is left out.",
        "spec": [question(ask) for ask in made.asks],
    }


# -- credential types --------------------------------------------------------------------------------------------------


Field = dict[str, Any]


def _field(name: str, label: str, told: str = "", *, secret: bool = False, multiline: bool = False) -> Field:
    made: dict[str, Any] = {"id": name, "label": label, "type": "string"}
    made.update({"help_text": told} if told else {})
    made.update({"secret": True} if secret else {})
    return {**made, **({"multiline": True} if multiline else {})}


def _type(name: str, told: str, fields: list[Field], env: Mapping[str, str], *, needed: list[str]) -> Field:
    return {
        "name": name,
        "description": told,
        "kind": "cloud",
        "inputs": {"fields": fields, "required": needed},
        "injectors": {"env": {variable: f"{{{{ {one} }}}}" for variable, one in env.items()}},
    }


def secret_names() -> dict[str, dict[str, str]]:
    """Give the secrets of each kind of CA: what they are, by their names."""
    found = {}
    for kind in registry.type_names():
        told = registry.connector_type(kind).options()
        found[kind] = {name: str(one["description"]) for name, one in told.items() if one["secret"]}
    return found


def ca_variable(secret: str) -> str:
    """Give the environment variable in which playbooks/ca_account.yml finds a secret of a CA."""
    return f"EDGECERT_CA_{secret.upper()}"


def _ca_type(kind: str, secrets: Mapping[str, str]) -> dict[str, Any]:
    options_ = registry.connector_type(kind).options()
    needed = [name for name, one in options_.items() if one["secret"] and one["required"]]
    # PEM and JSON have several lines; a field of one line would lose them.
    blocks = ("key", "private_key", "credentials", "account_key", "client_key", "signing_key", "client_pfx")
    fields = [
        _field(name, name.replace("_", " ").capitalize(), told, secret=True, multiline=name in blocks)
        for name, told in sorted(secrets.items())
    ]
    told = f"Secrets of a CA account of the type {kind}, for edgecert.clm.ca_account."
    return _type(f"CA {kind}", told, fields, {ca_variable(name): name for name in sorted(secrets)}, needed=needed)


def credential_types() -> list[dict[str, Any]]:
    """Give every credential type of the pack, as the API takes them."""
    store = [
        _field("store", "URL of the store", "As postgresql://user@host/database?sslmode=verify-full", secret=True),
        _field("password", "Password", "Of the login in the URL, where it is not in there", secret=True),
        _field("store_key", "Store key", "What seals keys and tokens; not needed to read", secret=True),
    ]
    edgegrid = [
        _field("host", "Host"),
        _field("client_token", "Client token", secret=True),
        _field("client_secret", "Client secret", secret=True),
        _field("access_token", "Access token", secret=True),
        _field("account_key", "Account switch key"),
    ]
    names = {"store": "EDGECERT_STORE", "password": "PGPASSWORD", "store_key": "EDGECERT_STORE_KEY"}
    akamai = {one["id"]: f"AKAMAI_{one['id'].upper()}" for one in edgegrid}
    channels = [
        _field("mail_password", "Password of the mail server", "Beside a username in clm_mail", secret=True),
        _field("webhook_url", "URL of the webhook", "For what names no url in clm_webhooks", secret=True),
    ]
    runner = [_field("actor", "Actor", "Who acts where AWX names nobody, as in jobs of a schedule")]
    made = [
        _type(
            "Store",
            "Store of edgecert.clm. It names nobody: who acts comes from AWX.",
            store,
            {variable: name for name, variable in names.items()},
            needed=["store"],
        ),
        _type(
            "EdgeGrid",
            "API client of Akamai, for edgecert.clm.",
            edgegrid,
            {variable: name for name, variable in akamai.items()},
            needed=["host", "client_token", "client_secret", "access_token"],
        ),
        _type(
            "Actor of schedules",
            "Who acts in jobs that no person launched. Not for templates that people launch.",
            runner,
            {"EDGECERT_ACTOR": "actor"},
            needed=["actor"],
        ),
        _type(
            "Mail and chat",
            "Secrets of the ways by which edgecert.clm.notify tells people.",
            channels,
            {"EDGECERT_MAIL_PASSWORD": "mail_password", "EDGECERT_WEBHOOK_URL": "webhook_url"},
            needed=[],
        ),
    ]
    return made + [_ca_type(kind, secrets) for kind, secrets in secret_names().items() if secrets]


class _Indented(yaml.SafeDumper):
    """Writes lists as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent entries of a list."""
        super().increase_indent(flow, False)


# -- files -------------------------------------------------------------------------------------------------------------


def files() -> dict[pathlib.Path, str]:
    """Give everything there is to be, by its file."""
    made: dict[pathlib.Path, Any] = {field_pages.SURVEYS / f"{name}.json": survey(name) for name in SURVEYS}
    made[CREDENTIAL_TYPES] = credential_types()
    found = {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in made.items()}
    return {**found, OF_ROLE: of_role(found[CREDENTIAL_TYPES])}


def of_role(text: str) -> str:
    """Give the credential types as the role reads them: what AWX is to fill in is not for Ansible to fill in."""
    lines = ["---", "# Written by tools/awx_pack.py from the tables in the code; change those, and run it."]
    lines.append("__awx_types:")
    told = yaml.dump(json.loads(text), Dumper=_Indented, sort_keys=False, width=1000)
    lines += [f"  {line}" for line in told.splitlines()]
    return "\n".join(re.sub(r"'(\{\{ \w+ \}\})'", r'!unsafe "\1"', line) for line in lines) + "\n"


def main() -> int:
    """Write them."""
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
        print(f"wrote {path.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
