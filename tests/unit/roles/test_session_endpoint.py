# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_endpoint: the files that it renders are data and show what the table says; its tasks are idempotent.

The tasks run in a real ansible-playbook, against stand-ins for the modules of ansible.windows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import WmsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import (
    ClassicHostPool,
    WvdClassicCmdlets,
    sign_in_call,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call, Credential
from tests.roles.data_file import QUOTES, STRING, read
from tests.roles.session_endpoint import CONFIGURATION_FILE, EVERYTHING, GROUP, ROLE, ROLE_FILE, TABLE, render

COLLECTIONS = Path(__file__).parents[3] / "build" / "collections"
ROLE_NAME = "remotedesktop.sessions.session_endpoint"
SCRIPTS = sorted((ROLE / "files").glob("*.ps1"))
TEXTS = {"message_title": "t", "message_body": "b"}
WMS_ACTS = ("Close-WmsSession", "Disconnect-WmsSession")
"""They have the same parameters."""
OF_2012_R2 = {
    "Get-WmsSession": ["Id", "SerializeString"],
    **{key: ["SessionId", "TimeoutInSecond"] for key in WMS_ACTS},
}
OF_2016 = {key: ["SessionId", "All", "Server"] for key in ("Get-WmsSession", *WMS_ACTS)}
HOSTILE = [
    "it's",
    "'; Start-Process calc; '",
    "\u2019; calc #",
    "\u2018a\u2019 \u201ab\u201b",
    "'\u2019'",
    "'",
    "$(calc) $env:x `n `' \"",
    "@{ } ) } #> <#",
    "a\\'b\\",
    "Büro 東京 \U0001d54f",
    "{{ 7 * 7 }} {% raw %} {# no #}",
    "x" * 10_000,
]


# What the files are rendered to


def strings(text: str) -> tuple[str, list[str]]:
    """Take the strings out as PowerShell's tokenizer does, for which five characters are single quotes."""
    code = re.sub("(?m)^ *#.*\n", "", text)
    return STRING.sub("''", code), [re.sub(f"[{QUOTES}]([{QUOTES}])", r"\1", found) for found in STRING.findall(code)]


def visible(text: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What a role capability file shows: parameters with their limits, by command, by key of the file."""
    return {
        key: {
            command["Name"]: {parameter.pop("Name"): parameter for parameter in command["Parameters"]}
            for command in commands
        }
        for key, commands in read(text).items()
        if key != "ModulesToImport"
    }


def test_role_shows_exactly_the_table() -> None:
    text = render(ROLE_FILE)
    expected: dict[str, dict[str, dict[str, Any]]] = {"VisibleFunctions": {}, "VisibleCmdlets": {}}
    for cmdlet in TABLE:
        key = {"function": "VisibleFunctions", "cmdlet": "VisibleCmdlets"}[cmdlet["kind"]]
        expected[key][cmdlet["name"]] = {name: {} for name in cmdlet["parameters"]}
    assert visible(text) == expected
    assert read(text)["ModulesToImport"] == list(dict.fromkeys(cmdlet["module"] for cmdlet in TABLE))


def test_names_are_bare() -> None:
    """A limited command that is listed as Module\\Name gets that very name, backslash included."""
    for commands in visible(render(ROLE_FILE)).values():
        for command, parameters in commands.items():
            assert re.fullmatch("[A-Z][a-z]+-[A-Za-z]+", command)
            assert all(re.fullmatch("[A-Za-z]+", parameter) for parameter in parameters)


def test_no_common_parameter_is_listed() -> None:
    """PowerShell gives every limited command these by itself; listed, they would be defined twice."""
    common = {"Confirm", "WhatIf", "Verbose", "Debug", "ErrorAction", "WarningAction", "OutVariable"}
    assert not common & {parameter for cmdlet in TABLE for parameter in cmdlet["parameters"]}


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (OF_2012_R2, {"Get-WmsSession": [], **{key: ["SessionId", "TimeoutInSecond"] for key in WMS_ACTS}}),
        (OF_2016, {"Get-WmsSession": ["All", "Server"], **{key: ["SessionId", "Server"] for key in WMS_ACTS}}),
    ],
)
def test_role_shows_what_the_generation_has(commands: Mapping[str, list[str]], expected: dict[str, list[str]]) -> None:
    text = render(ROLE_FILE, commands)
    assert visible(text) == {"VisibleCmdlets": {name: {p: {} for p in names} for name, names in expected.items()}}
    assert read(text)["ModulesToImport"] == ["MultiPoint"]


def test_parameters_are_found_whatever_their_case() -> None:
    commands = {name: [parameter.upper() for parameter in parameters] for name, parameters in EVERYTHING.items()}
    assert render(ROLE_FILE, commands) == render(ROLE_FILE)


def test_role_shows_only_chosen_services() -> None:
    text = render(ROLE_FILE, services=["rds"])
    assert list(visible(text)) == ["VisibleFunctions"]
    assert read(text)["ModulesToImport"] == ["RemoteDesktop"]
    assert render(ROLE_FILE, services="rds") == text


def test_service_without_all_its_cmdlets_is_not_shown() -> None:
    assert visible(render(ROLE_FILE, {**OF_2016, "Get-RDUserSession": ["CollectionName"]})).keys() == {"VisibleCmdlets"}


def limits(text: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (command, parameter): limit
        for commands in visible(text).values()
        for command, parameters in commands.items()
        for parameter, limit in parameters.items()
        if limit
    }


HOST_PARAMETERS = {(cmdlet["name"], cmdlet["session_host"]) for cmdlet in TABLE if "session_host" in cmdlet}


def test_every_cmdlet_that_acts_can_be_limited_to_hosts() -> None:
    assert {command for command, _parameter in HOST_PARAMETERS} >= {
        "Invoke-RDUserLogoff",
        "Disconnect-RDUser",
        "Send-RDUserMessage",
        "Set-RDSessionHost",
        *WMS_ACTS,
        "Invoke-RdsUserSessionLogoff",
    }
    assert all(parameter in EVERYTHING[command] for command, parameter in HOST_PARAMETERS)


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"session_hosts": ["app.example.test", "b'c"]}, r"^(?:app\.example\.test|b'c)\z"),
        ({"session_hosts": ["RDI-1"]}, r"^(?:RD[iI]\-1)\z"),
        ({"session_hosts": "app"}, r"^(?:app)\z"),
        ({"session_host_pattern": r"rdsh-\d+|app-1"}, r"^(?=[^\x00-\x1f\x7f]*\z)(?:rdsh-\d+|app-1)\z"),
    ],
)
def test_session_hosts_become_a_pattern_of_whole_names(options: dict[str, Any], pattern: str) -> None:
    found = limits(render(ROLE_FILE, **options))
    assert found == {parameter: {"ValidatePattern": pattern} for parameter in HOST_PARAMETERS}


def test_configuration_has_no_language_and_a_virtual_account() -> None:
    assert read(render(CONFIGURATION_FILE)) == {
        "SchemaVersion": "2.0.0.0",
        "Description": "Lists and ends Remote Desktop sessions.",
        "SessionType": "RestrictedRemoteServer",
        "RunAsVirtualAccount": True,
        "RoleDefinitions": {GROUP: {"RoleCapabilities": "RemoteDesktopSessions"}},
    }


@pytest.mark.parametrize("account", ["CONTOSO\\rds", "CONTOSO\\rds$"])
def test_configuration_with_a_service_account_and_transcripts(account: str) -> None:
    configuration = read(
        render(
            CONFIGURATION_FILE,
            name="Desk.2",
            groups=["A\\one", "A\\two", "a\\ONE"],
            group_managed_service_account=account,
            transcript_directory="D:\\Transcripts",
        )
    )
    assert configuration["GroupManagedServiceAccount"] == "CONTOSO\\rds"
    assert configuration["TranscriptDirectory"] == "D:\\Transcripts"
    assert "RunAsVirtualAccount" not in configuration
    role = {"RoleCapabilities": "Desk.2"}
    assert configuration["RoleDefinitions"] == {"A\\one": role, "A\\two": role}


def as_pattern(name: str) -> str:
    """A pattern that fits this name in any case and culture."""
    return re.sub("[iI]", "[iI]", re.escape(name))


TEXT_OPTIONS: list[tuple[str, str, Callable[[str], Any], Callable[[str], str]]] = [
    (CONFIGURATION_FILE, "groups", lambda value: [value], str),
    (CONFIGURATION_FILE, "transcript_directory", str, str),
    (CONFIGURATION_FILE, "group_managed_service_account", str, str),
    (ROLE_FILE, "session_hosts", lambda value: ["one", value], as_pattern),
    (ROLE_FILE, "session_host_pattern", str, str),
]


@pytest.mark.parametrize(("template", "option", "wrap", "meant"), TEXT_OPTIONS, ids=[row[1] for row in TEXT_OPTIONS])
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_value_stays_a_string(
    template: str, option: str, wrap: Callable[[str], Any], meant: Callable[[str], str], value: str
) -> None:
    """Whatever the value, the code around the strings is the same, and a string is that value, or means it."""
    code, found = strings(render(template, **{option: wrap(value)}))
    harmless_code, harmless = strings(render(template, **{option: wrap("HARMLESS")}))
    assert code == harmless_code
    assert found == [text.replace("HARMLESS", meant(value)) for text in harmless]
    assert found != harmless
    read(code)


# The table and the calls


def calls() -> list[Call]:
    """Every call that the services make, with all parameters that they can give."""
    fields = {"HostServer": "h", "UnifiedSessionId": 2, "UserName": "u"}
    rds = RdsCmdlets("broker.example.test", ["Desk"])
    newer, older = WmsCmdlets("server"), WmsCmdlets()
    older.chose(1)
    pool = ClassicHostPool("tenant", "pool")
    sign_ins = [
        sign_in_call(None, Credential("u", "p"), True, "tenant", None, None),
        sign_in_call(None, None, False, "tenant", "application", "thumbprint"),
    ]
    classic = WvdClassicCmdlets(pool, sign_ins[0])
    rows = [
        (rds, fields),
        (newer, {"ComputerName": "h", "SessionId": 2, "UserName": "u"}),
        (older, {"ComputerName": "h", "Id": 2, "UserName": "u"}),
        (classic, {"SessionHostName": "h", "SessionId": 2, "UserPrincipalName": "u"}),
    ]
    acts = [
        cmdlets.act(cmdlets.read(row, 0.0), Operation(verb, TEXTS, time_limit=5.0))
        for cmdlets, row in rows
        for verb in cmdlets.COMMANDS
    ]
    services = (rds, newer, older, classic)
    lists = [call for service in services for call in (*service.lists, service.hosts) if call is not None]
    hosts = [rds.collections, rds.session_hosts("Desk"), rds.set_host("h", "No")]
    return [*sign_ins, *lists, *acts, *hosts]


def test_table_covers_exactly_the_calls_of_the_services() -> None:
    made: dict[str, set[str]] = {}
    for call in calls():
        made.setdefault(call.command, set()).update(call.parameters, call.secrets)
    assert made == {cmdlet["name"]: {*cmdlet["parameters"], *cmdlet.get("common_parameters", ())} for cmdlet in TABLE}


def test_table_knows_the_modules_of_the_services() -> None:
    assert {(cmdlet["service"], cmdlet["module"], cmdlet["kind"]) for cmdlet in TABLE} == {
        ("rds", RdsCmdlets.MODULE, "function"),
        ("wms", WmsCmdlets.MODULE, "cmdlet"),
        ("wvd_classic", WvdClassicCmdlets.MODULE, "cmdlet"),
    }


# The role's own parts


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_constant(script: Path) -> None:
    assert "{{" not in script.read_text(encoding="ascii")


def test_documentation_matches_the_defaults() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert {name: option.get("default") for name, option in options.items()} == defaults
    readme = (ROLE / "README.md").read_text()
    assert all(f"`{name}`" in readme for name in [*options, *(cmdlet["name"] for cmdlet in TABLE)])


# The tasks, on a stand-in for a Windows host

STAND_IN = """
import hashlib, json, os, pathlib, shutil
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader

ROOT = pathlib.Path(os.environ["STAND_IN_HOST"])


def local(path):
    return ROOT / path.replace(":", "").replace(chr(92), "/")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "there is no such file"


class ActionModule(ActionBase):
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        kind = self._task.action.rpartition(".")[2]
        host = json.loads((ROOT / "host.json").read_text())
        result["changed"] = True
        result.update(getattr(self, kind)(self._task.args, host, not self._task.check_mode, task_vars))
        if kind == "async_status":
            return result
        host["log"].append([kind, result["changed"]])
        (ROOT / "host.json").write_text(json.dumps(host))
        if not self._task.async_val:
            return result
        (ROOT / "async").mkdir(exist_ok=True)
        (ROOT / "async" / "1.1").write_text(json.dumps({**result, "finished": 1}))
        return {"started": 1, "finished": 0, "ansible_job_id": "1.1"}

    def async_status(self, args, host, real, task_vars):
        return json.loads((ROOT / "async" / args["jid"]).read_text())

    def win_file(self, args, host, real, task_vars):
        path, wanted = local(args["path"]), args["state"] == "directory"
        changed = path.exists() != wanted
        if changed and real:
            path.mkdir(parents=True) if wanted else shutil.rmtree(path)
        return {"changed": changed}

    def win_acl(self, args, host, real, task_vars):
        if not local(args["path"]).exists():
            return {"failed": True, "msg": "there is no such path"}
        rule = args.get("user", "inheritance")
        changed = rule not in host["rules"]
        if changed and real:
            host["rules"].append(rule)
        return {"changed": changed}

    win_acl_inheritance = win_acl

    def win_service(self, args, host, real, task_vars):
        return {}

    def win_template(self, args, host, real, task_vars):
        lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
        text = lookup.run([args["src"]], variables=task_vars)[0]
        data, path = text.encode(args["output_encoding"]), local(args["dest"])
        changed = not path.exists() or path.read_bytes() != data
        if changed and real:
            path.write_bytes(data)
        return {"changed": changed}

    def win_powershell(self, args, host, real, task_vars):
        given = args["parameters"]
        if "Command" not in given:
            if real:
                path = given.get("Path")
                host["endpoint"] = digest(local(path)) if path else None
            return {}
        modules = "C:" + chr(92) + "Modules"
        found = {
            "modules": modules,
            "commands": {name: host["commands"][name] for name in given["Command"] if name in host["commands"]},
            "unknown_groups": [name for name in given["Group"] if name not in host["groups"]],
            "registered": host["endpoint"] is not None,
            "enabled": host["endpoint"] is not None,
            "same_file": digest(local(modules + chr(92) + given["File"])) == host["endpoint"],
        }
        return {"changed": False, "result": found}
"""

OPTIONS = {
    "session_endpoint_groups": [GROUP],
    "session_endpoint_transcript_directory": "C:\\Transcripts",
}


class StandIn:
    """A host that the role can run on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        windows = root / "collections" / "ansible_collections" / "ansible" / "windows"
        (windows / "plugins" / "modules").mkdir(parents=True)
        (windows / "plugins" / "action").mkdir()
        (windows / "galaxy.yml").write_text("{namespace: ansible, name: windows, version: 3.0.0}")
        for name in ("win_file", "win_acl", "win_acl_inheritance", "win_powershell", "win_service", "win_template"):
            (windows / "plugins" / "modules" / f"{name}.py").write_text("")
            (windows / "plugins" / "action" / f"{name}.py").write_text(STAND_IN)
        # Ansible's own reads the same file, in a process of its own.
        (root / "action_plugins").mkdir()
        (root / "action_plugins" / "async_status.py").write_text(STAND_IN)
        self.host: dict[str, Any] = {
            "endpoint": None,
            "rules": [],
            "log": [],
            "commands": EVERYTHING,
            "groups": [GROUP],
        }

    def run(self, tasks: list[dict[str, Any]], *arguments: str) -> int:
        """Run tasks; return how many of them changed something."""
        self.host["log"] = []
        (self.root / "host.json").write_text(json.dumps(self.host))
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (self.root / "play.yml").write_text(yaml.safe_dump(play))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-c", "local"),
                *("-e", f"ansible_python_interpreter={sys.executable}", "play.yml", *arguments),
            ],
            cwd=self.root,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": f"{self.root / 'collections'}{os.pathsep}{COLLECTIONS}",
                "ANSIBLE_HOME": str(self.root / "home"),
                "ANSIBLE_ASYNC_DIR": str(self.root / "async"),
                "ANSIBLE_PIPELINING": "1",
                "STAND_IN_HOST": str(self.root),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.host = json.loads((self.root / "host.json").read_text())
        return int(re.findall(r"changed=(\d+)", done.stdout)[0])

    def role(self, *arguments: str, **options: Any) -> int:
        """Run the role."""
        return self.run([{"ansible.builtin.include_role": {"name": ROLE_NAME}, "vars": options}], *arguments)

    @property
    def changes(self) -> list[str]:
        """The modules that changed something in the last run, in order."""
        return [kind for kind, changed in self.host["log"] if changed]

    @property
    def files(self) -> dict[str, bytes]:
        """What the role wrote, by path."""
        found = (self.root / "C" / "Modules").rglob("*") if (self.root / "C" / "Modules").exists() else ()
        return {path.name: path.read_bytes() for path in found if path.is_file()}


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


def test_tasks_are_idempotent_and_check_mode_predicts_them(stand_in: StandIn) -> None:
    # In check mode there is no transcript directory yet, so its permissions are not counted.
    assert stand_in.role("--check", **OPTIONS) == 6
    assert (stand_in.host["endpoint"], stand_in.files) == (None, {})

    assert stand_in.role(**OPTIONS) == 6 + 2
    files = stand_in.files
    assert set(files) == {"RemoteDesktopSessions.psrc", "RemoteDesktopSessions.pssc"}
    assert stand_in.host["endpoint"] == hashlib.sha256(files["RemoteDesktopSessions.pssc"]).hexdigest()
    assert all(content.startswith(b"\xef\xbb\xbf#") for content in files.values())
    assert stand_in.changes[-2:] == ["win_powershell", "win_service"]

    assert stand_in.role("--check", **OPTIONS) == 0

    # Sessions read the role capability file anew: no registration, no restart.
    limited = {**OPTIONS, "session_endpoint_session_hosts": ["rdsh-1.example.test"]}
    assert (stand_in.role(**limited), stand_in.changes) == (1, ["win_template"])

    other = {**limited, "session_endpoint_groups": ["CONTOSO\\Operators"]}
    stand_in.host["groups"] += other["session_endpoint_groups"]
    renewed = ["win_template", "win_powershell", "win_service"]
    assert (stand_in.role("--check", **other), stand_in.changes) == (3, renewed)
    assert (stand_in.role(**other), stand_in.changes) == (3, renewed)

    stand_in.host["endpoint"] = "what someone else registered"
    assert (stand_in.role(**other), stand_in.changes) == (2, renewed[1:])

    assert stand_in.role("--check", session_endpoint_state="absent") == 3
    assert stand_in.files
    assert stand_in.role(session_endpoint_state="absent") == 3
    assert (stand_in.host["endpoint"], stand_in.files) == (None, {})
    assert stand_in.role(session_endpoint_state="absent") == 0


def test_share_for_transcripts_is_left_alone(stand_in: StandIn) -> None:
    stand_in.role("--check", **{**OPTIONS, "session_endpoint_transcript_directory": "\\\\server\\share"})
    assert stand_in.changes.count("win_file") == 1
    assert not stand_in.host["rules"]


REFUSED = [
    ({"session_endpoint_groups": None}, "must name the groups"),
    ({"session_endpoint_groups": []}, "session_endpoint_groups is given but empty"),
    ({"session_endpoint_groups": [" "]}, "session_endpoint_groups is given but empty, or holds a blank"),
    ({"session_endpoint_groups": ["A\\b\nc"]}, "session_endpoint_groups is given but empty, or holds a blank"),
    ({"session_endpoint_groups": ["A\\nobody"]}, "does not know these of session_endpoint_groups: A\\\\nobody"),
    ({"session_endpoint_services": []}, "session_endpoint_services must be some of rds"),
    ({"session_endpoint_services": ["citrix"]}, "session_endpoint_services must be some of rds"),
    ({"session_endpoint_services": ["wvd_classic"]}, "lacks cmdlets of wvd_classic"),
    ({"session_endpoint_session_hosts": []}, "session_endpoint_session_hosts is given but empty"),
    ({"session_endpoint_session_hosts": ["a\u2028b"]}, "session_endpoint_session_hosts is given but empty, or"),
    ({"session_endpoint_session_host_pattern": ""}, "session_endpoint_session_host_pattern is given but empty"),
    ({"session_endpoint_session_hosts": ["a"], "session_endpoint_session_host_pattern": "a"}, "not both"),
    ({"session_endpoint_group_managed_service_account": "rds"}, "must be DOMAIN"),
    ({"session_endpoint_transcript_directory": "Transcripts"}, "must be an absolute path"),
    ({"session_endpoint_transcript_directory": "C:\\a\x00b"}, "session_endpoint_transcript_directory is given but"),
    ({"session_endpoint_name": "Microsoft.PowerShell"}, "session_endpoint_name must be"),
    ({"session_endpoint_name": "Desk*"}, "session_endpoint_name must be"),
    ({"session_endpoint_name": "..", "session_endpoint_state": "absent"}, "session_endpoint_name must be"),
    ({"session_endpoint_name": "Desk\n"}, "session_endpoint_name must be"),
]


def test_bad_options_are_refused_before_anything_is_done(stand_in: StandIn) -> None:
    stand_in.host["commands"] = {name: found for name, found in EVERYTHING.items() if "Rds" not in name}
    tasks = [
        {
            "block": [{"ansible.builtin.include_role": {"name": ROLE_NAME}, "vars": {**OPTIONS, **options}}],
            "rescue": [
                {"ansible.builtin.set_fact": {"refused": "{{ refused | default([]) + [ansible_failed_result] }}"}},
            ],
        }
        for options, _message in REFUSED
    ]
    results = stand_in.root / "refused.json"
    stand_in.run([*tasks, {"ansible.builtin.copy": {"content": "{{ refused | to_json }}", "dest": str(results)}}])
    for (options, message), result in zip(REFUSED, json.loads(results.read_text()), strict=True):
        assert message in json.dumps(result), options
    assert not stand_in.changes
