# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a lab from a test and talk to it. Needs the standard library only; the lab's own process needs more.

with Lab.start(latency_ms=20) as lab:
    subprocess.run([...], env={**os.environ, **lab.environment})
    assert [entry["owner"]["user"] for entry in lab.audit()] == ["alice@contoso.com"]
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import typing
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy of the environment
_SECONDS = 60

Row = dict[str, typing.Any]


class LabError(RuntimeError):
    """The lab did not start, or refused a call; the text is its own."""


class Lab:
    """A running lab. Made by `Lab.start`, or with the announcement (the line of --json) of one that runs already."""

    def __init__(self, announcement: Row, process: subprocess.Popen[bytes] | None = None) -> None:
        self.announcement = announcement
        self.environment: dict[str, str] = announcement["environment"]
        self.ca_file: str = announcement["ca_file"]
        self.certificate_file: str = announcement["certificate_file"]
        self.certificate_thumbprint: str = announcement["certificate_thumbprint"]
        self.federated_token: str = announcement["federated_token"]
        self.proxy: str = announcement["proxy"]
        self.identity_endpoint: str = announcement["identity_endpoint"]
        self.identity_header: str = announcement["identity_header"]
        self.principals: dict[str, dict[str, str]] = announcement["principals"]
        self.winrm: Row | None = announcement["winrm"]
        self._process = process

    @classmethod
    def start(
        cls,
        *,
        farm: Row | None = None,
        winrm: bool = False,
        powershell: str = "",
        lifetime: int = 3600,
        **options: typing.Any,
    ) -> Lab:
        """Start a lab that ends with this process. `options` are those of options.py; `powershell`: the real pwsh that
        runs the cmdlets behind the WinRM door. Raises LabError.
        """
        command = [sys.executable, "-m", "tests.lab", "--json", "--while-stdin-open", "--lifetime", str(lifetime)]
        command += ["--options", json.dumps(options), *(["--winrm"] if winrm else [])]
        command += ["--powershell", powershell] if powershell else []
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            assert process.stdout
            line = process.stdout.readline()
            if not line:
                process.wait()
                errors.seek(0)
                raise LabError(f"the lab did not start:\n{errors.read().decode(errors='replace')}")
        lab = cls(json.loads(line), process)
        if farm is not None:
            lab.reset(farm)
        return lab

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process and wait for it. A lab that somebody else started is asked to stop."""
        process = self._process
        if process is None:
            self._call("POST", "stop")
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    # What happened

    def audit(self) -> list[Row]:
        """Every change of the farm, with the owner of the session at that moment."""
        return typing.cast("list[Row]", self._call("GET", "audit"))

    def requests(self) -> list[Row]:
        """Every request since the last reset, in order of arrival."""
        return typing.cast("list[Row]", self.traffic()["requests"])

    def traffic(self) -> Row:
        """The requests, and: in_flight, in_flight_high, connections, connections_open."""
        return typing.cast(Row, self._call("GET", "requests"))

    def forget_requests(self) -> None:
        self._call("DELETE", "requests")

    def sessions(self) -> list[Row]:
        return typing.cast("list[Row]", self._call("GET", "sessions"))

    def hosts(self) -> list[Row]:
        return typing.cast("list[Row]", self._call("GET", "hosts"))

    # The farm

    def reset(self, farm: Row | None = None) -> None:
        """Put everything back as after the start, with another farm if one is given. Secrets and tokens stay."""
        self._call("POST", "farm", {"farm": farm})
        self.principals = self._call("GET", "principals")

    def add_session(self, *, pool: str, host: str, user: str, **fields: typing.Any) -> Row:
        """`fields`: id, state, application, stuck, ... and `service` for a pool that is not AVD's."""
        return typing.cast(Row, self._call("POST", "sessions", {"pool": pool, "host": host, "user": user, **fields}))

    def give_id(self, *, pool: str, host: str, id: int, user: str, **fields: typing.Any) -> Row:
        """The session there is gone, and a new one of `user` has its id."""
        body = {"pool": pool, "host": host, "id": id, "user": user, **fields}
        return typing.cast(Row, self._call("POST", "give_id", body))

    def change(self, *, pool: str, host: str, id: int, **fields: typing.Any) -> Row:
        """Overwrite fields of a session: state, stuck, user, ad_user_name, ..."""
        return typing.cast(Row, self._call("POST", "change", {"pool": pool, "host": host, "id": id, **fields}))

    def remove(self, *, pool: str, host: str, id: int, **fields: typing.Any) -> Row:
        """The user leaves."""
        return typing.cast(Row, self._call("POST", "remove", {"pool": pool, "host": host, "id": id, **fields}))

    def change_host(self, *, pool: str, host: str, **fields: typing.Any) -> Row:
        """Overwrite fields of a host: status, allow_new_session, ..."""
        return typing.cast(Row, self._call("POST", "host", {"pool": pool, "host": host, **fields}))

    def change_pool(self, *, pool: str, **fields: typing.Any) -> Row:
        """Overwrite `scaling_plans` or `session_host_update`, in the form of a farm definition."""
        return typing.cast(Row, self._call("POST", "pool", {"pool": pool, **fields}))

    def reboot(self, *, pool: str, host: str, **fields: typing.Any) -> Row:
        """`fields`: seconds, heartbeat_after, status, ghosts."""
        return typing.cast(Row, self._call("POST", "reboot", {"pool": pool, "host": host, **fields}))

    def schedule(self, *steps: Row) -> list[Row]:
        """Changes to be made later, as changes.py describes them; all that is to come then, the next first."""
        if steps:
            return typing.cast("list[Row]", self._call("POST", "schedule", {"steps": steps}))
        return typing.cast("list[Row]", self._call("GET", "schedule"))

    # How the door behaves

    def add_fault(self, **rule: typing.Any) -> None:
        """A rule as faults.py describes it: operation, host, id, when, kind, times, skip, then, ..."""
        self._call("POST", "faults", rule)

    def faults(self) -> list[Row]:
        return typing.cast("list[Row]", self._call("GET", "faults"))

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def options(self, **changes: typing.Any) -> Row:
        """Change options; all of them as they are then."""
        return typing.cast(Row, self._call("POST", "options", changes))

    def access_token(self, principal: str = "operator", audience: str = "https://management.azure.com/") -> str:
        """A token without a sign-in."""
        answer = self._call("POST", "token", {"principal": principal, "audience": audience})
        return str(answer["access_token"])

    def call(self, method: str, name: str, body: Row | None = None) -> typing.Any:
        """A call of the control door that has no method here."""
        return self._call(method, name, body)

    def _call(self, method: str, name: str, body: Row | None = None) -> typing.Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(f"{self.announcement['control']}/{name}", data, headers, method=method)
        try:
            with _DIRECT.open(request, timeout=_SECONDS) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise LabError(f"{method} {name}: {error.read().decode(errors='replace')}") from error
