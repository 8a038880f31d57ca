# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process `python -m tests.lab` and its control door."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.lab.client import ROOT, Lab, LabError
from tests.unit.lab.arm_clients import ALICE, HOST, Arm, sdk

COMMAND = (sys.executable, "-m", "tests.lab")


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read the export lines, as a shell would."""
    assert process.stdout
    found = {}
    while "REQUESTS_CA_BUNDLE" not in found:
        word, assignment = shlex.split(process.stdout.readline())
        assert word == "export"
        name, _equals, found[name] = assignment.partition("=")
    return found


def test_for_people(tmp_path: Path) -> None:
    farm = tmp_path / "farm.yml"
    farm.write_text("pools: [{name: mine, hosts: [{name: h, sessions: [{id: 2, user: a@contoso.com}]}]}]\n")
    with start("--farm", str(farm), "--page-size", "7") as process:
        found = exports(process)
        assert set(found) == {
            "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT", "AZURE_CLIENT_ID", "AZURE_SECRET", "AZURE_CLOUD_ENVIRONMENT",
            "AZURE_DISABLE_INSTANCE_DISCOVERY", "REQUESTS_CA_BUNDLE",
        }  # fmt: skip
        assert re.fullmatch(r"https://127\.0\.0\.1:\d+", found["AZURE_CLOUD_ENVIRONMENT"])
        directory = Path(found["REQUESTS_CA_BUNDLE"]).parent
        assert directory.stat().st_mode & 0o077 == 0
        process.send_signal(signal.SIGINT)
        _output, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "mine" in errors
    assert "1 host, 1 sessions" in errors
    assert "Traceback" not in errors
    assert not directory.exists()


@pytest.mark.parametrize("how", ["terminate", "close", "lifetime"])
def test_ends(how: str) -> None:
    with start("--while-stdin-open", "--lifetime", "0.3" if how == "lifetime" else "60") as process:
        directory = Path(exports(process)["REQUESTS_CA_BUNDLE"]).parent
        assert process.stdin
        if how == "terminate":
            process.terminate()
        elif how == "close":
            process.stdin.close()
        assert process.wait(timeout=10) == 0
        assert not directory.exists()


def test_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        f"lab = subprocess.Popen([*{COMMAND!r}, '--json'], cwd={str(ROOT)!r}, stdout=subprocess.PIPE)\n"
        "lab.stdout.readline()\nprint(lab.pid)\n"
    )
    pid = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, timeout=30).stdout)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_wrong_words(tmp_path: Path) -> None:
    for words, text in (
        (("--page-size", "0"), "page_size cannot be 0"),
        (("--options", '{"colour": 1}'), "no option colour"),
        (("--farm", str(tmp_path / "absent.yml")), "absent.yml"),
    ):
        finished = subprocess.run([*COMMAND, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
        assert finished.returncode == 2
        assert text in finished.stderr
        assert "Traceback" not in finished.stderr
    with pytest.raises(LabError, match="no option colour"):
        Lab.start(colour="red")


def test_stop_over_the_control_door() -> None:
    lab = Lab.start(farm={"pools": [{"name": "only"}]})
    assert lab.sessions() == []
    Lab(lab.announcement).stop()
    assert lab._process is not None
    assert lab._process.wait(10) == 0
    lab.stop()


def test_control_needs_the_secret(lab: Lab) -> None:
    base, _slash, secret = lab.announcement["control"].rpartition("/")
    assert len(secret) >= 32
    for wrong in ("wrong", secret[:-1], "%C3%A4"):
        assert requests.get(f"{base}/{wrong}/audit", timeout=5).status_code == 403
    answer = requests.get(f"{base}/{secret}/nothing", timeout=5)
    assert answer.status_code == 404
    assert "GET audit" in answer.json()["error"]


def test_secrets_are_new_with_each_start_and_ids_are_not(lab: Lab) -> None:
    with Lab.start() as other:
        mine, theirs = lab.principals["operator"], other.principals["operator"]
        assert mine["client_id"] == theirs["client_id"]
        for name in ("secret", "password"):
            assert mine[name] != theirs[name]
        assert lab.federated_token != other.federated_token
        assert lab.identity_header != other.identity_header
        assert lab.announcement["control"] != other.announcement["control"]


def test_farm_calls(lab: Lab) -> None:
    where = {"pool": "pool-01", "host": HOST}
    added = lab.add_session(**where, user="new@contoso.com", id=30, state="Pending", application="RemoteApp")
    assert (added["id"], added["user"], added["state"], added["ad_user_name"]) == (
        30, "new@contoso.com", "Pending", "CONTOSO\\new"
    )  # fmt: skip
    assert lab.give_id(**where, id=30, user="next@contoso.com")["user"] == "next@contoso.com"
    assert lab.change(**where, id=30, stuck=True, idle_ms=5)["idle_ms"] == 5
    assert lab.remove(**where, id=30)["user"] == "next@contoso.com"
    assert lab.change_host(**where, status="Unavailable")["status"] == "Unavailable"
    assert [entry["verb"] for entry in lab.audit()] == ["add", "give_id", "change", "remove", "change_host"]
    assert {row["status"] for row in lab.hosts()} == {"Available", "Unavailable"}
    assert {row["service"] for row in lab.sessions()} == {"wvd", "rds", "wms", "wvd_classic"}
    assert lab.change(service="rds", pool="Desktops", host="rdsh-0.contoso.com", id=2, state="Idle")


def test_refused_calls_say_why_and_change_nothing(lab: Lab) -> None:
    where = {"pool": "pool-01", "host": HOST}
    for call, text in (
        (lambda: lab.add_session(pool="nowhere", host=HOST, user="a"), "no wvd pool nowhere"),
        (lambda: lab.add_session(pool="pool-01", host="nowhere", user="a"), "no host nowhere"),
        (lambda: lab.add_session(**where, user="a", id=2), "has a session 2 already"),
        (lambda: lab.change(**where, id=99, stuck=True), "no session 99"),
        (lambda: lab.change(**where, id=2, colour="red"), "unknown: colour"),
        (lambda: lab.options(latency_ms="long"), "latency_ms cannot be 'long'"),
        (lambda: lab.options(latency_ms=1, certificate="pretty"), "certificate is one of"),
        (lambda: lab.options(buckets={"writes": {"size": 1}}), "buckets look like"),
        (lambda: lab.reset({"pools": [{"colour": "red"}]}), "pool None"),
    ):
        with pytest.raises(LabError, match=text):
            call()
    assert lab.audit() == []
    assert lab.options()["latency_ms"] == 0
    assert len(lab.sessions()) > 9


def test_reset_puts_everything_back(lab: Lab, arm: Arm) -> None:
    first = lab.sessions()
    arm.send("DELETE", f"/sessionHosts/{HOST}/userSessions/2")
    lab.add_fault(operation="get", kind="status")
    lab.options(ignore_filter=True)
    lab.reset({"pools": [{"name": "other", "hosts": [{"name": "h"}]}], "principals": [{"name": "guest", "rights": []}]})
    assert (lab.sessions(), lab.audit(), lab.requests(), lab.faults()) == ([], [], [], [])
    assert list(lab.principals) == ["guest"]
    lab.reset()
    assert [row["user"] for row in lab.sessions()] == [row["user"] for row in first]
    assert lab.options()["ignore_filter"] is False
    assert arm.send("GET", "").status_code == 200


def test_request_log(lab: Lab) -> None:
    with sdk(lab, user_agent="Ansible/9") as client:
        client.user_sessions.disconnect(*ALICE)
    entry = lab.requests()[-1]
    assert entry["operation"] == "disconnect"
    assert (entry["method"], entry["status"], entry["principal"]) == ("POST", 200, "operator")
    assert entry["path"].endswith(f"/sessionHosts/{HOST}/userSessions/2/disconnect")
    assert entry["user_agent"].startswith("Ansible/9 azsdk-python")
    assert entry["client_request_id"]
    assert abs(entry["time"] - time.time()) < 10
    assert [one["operation"] for one in lab.requests()] == ["openid", "token", "disconnect"]


def test_many_at_once(lab: Lab) -> None:
    lab.options(latency_ms=100)
    clients = [Arm(lab) for _ in range(64)]
    started = time.monotonic()
    threads = [threading.Thread(target=client.send, args=("GET", "")) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = lab.traffic()
    assert report["in_flight_high"] > 16
    assert report["connections"] >= 64
    assert [entry["status"] for entry in report["requests"]] == [200] * 64
    assert time.monotonic() - started < 5
    for client in clients:
        client.close()


def test_client_of_a_running_lab_ignores_the_proxy_of_the_environment(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert Lab(lab.announcement).audit() == []
    assert os.environ["http_proxy"]
