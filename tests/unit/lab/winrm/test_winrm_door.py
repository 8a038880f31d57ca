# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door as unmodified clients meet it: sign-in, encryption, faults of the service, and what is left behind."""

from __future__ import annotations

import pathlib
import threading
import time
import typing
from collections.abc import Iterator

import pytest
import requests
from pypsrp import exceptions as pypsrp_exceptions
from pypsrp.complex_objects import PSCredential
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from winrm import exceptions as winrm_exceptions
from winrm import protocol

from tests.lab import certificates, definition
from tests.lab.credentials import Credentials
from tests.lab.farm import Farm
from tests.lab.winrm.configurations import SESSION_ENDPOINT
from tests.lab.winrm.door import WinRMDoor

HOST = "RDSH-0.contoso.com"
WAYS = [
    ("http", "ntlm"),
    ("http", "negotiate"),
    ("http", "credssp"),
    ("https", "basic"),
    ("https", "ntlm"),
    ("https", "negotiate"),
]


class Clients:
    """The door, and clients of it."""

    def __init__(self, door: WinRMDoor) -> None:
        self.door = door
        self.accounts: dict[str, str] = door.describe()["accounts"]

    def wsman(
        self,
        scheme: str = "https",
        auth: str = "basic",
        user: str = "operator@contoso.com",
        host: str = "",
        **options: typing.Any,
    ) -> WSMan:
        account = user.replace("CONTOSO\\", "").partition("@")[0] + "@contoso.com"
        options.setdefault("password", self.accounts.get(account, ""))
        return WSMan(
            "127.0.0.1",
            port=self.door.https_port if scheme == "https" else self.door.http_port,
            username=user,
            ssl=scheme == "https",
            auth=auth,
            path=f"wsman/{host}" if host else "wsman",
            cert_validation=str(self.door.ca_file),  # type: ignore[arg-type]
            **options,
        )

    def pool(
        self, configuration: str = "Microsoft.PowerShell", runspaces: int = 1, **options: typing.Any
    ) -> RunspacePool:
        connection = self.wsman(**options)
        return RunspacePool(connection, configuration_name=configuration, max_runspaces=runspaces)

    def shells(self) -> int:
        return int(self.door.report()["now"]["shells"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    directory: pathlib.Path = tmp_path_factory.mktemp("winrm")
    farm = Farm()
    farm.replace(definition.parse(definition.read()))
    door = WinRMDoor(farm, Credentials(farm), certificates.make(directory), directory)
    door.start()
    yield Clients(door)
    door.stop()


@pytest.fixture
def clients(running: Clients) -> Clients:
    running.door.farm.replace(definition.parse(definition.read()))
    running.door.service.close()
    running.door.reset()
    return running


def call(pool: RunspacePool, command: str, **parameters: typing.Any) -> PowerShell:
    pipeline = PowerShell(pool).add_cmdlet(command)
    for name, value in parameters.items():
        pipeline.add_parameter(name, value)
    pipeline.invoke()
    pipeline.close()
    return pipeline


@pytest.mark.parametrize(("scheme", "auth"), WAYS)
@pytest.mark.parametrize("user", ["operator@contoso.com", "CONTOSO\\operator", "operator"])
def test_every_way_in(clients: Clients, scheme: str, auth: str, user: str) -> None:
    with clients.pool(scheme=scheme, auth=auth, user=user) as pool:
        assert len(call(pool, "Get-RDUserSession").output) == 4
    assert clients.shells() == 0


@pytest.mark.parametrize(("scheme", "auth"), [way for way in WAYS if way[1] != "credssp"])
@pytest.mark.parametrize("user", ["operator@contoso.com", "stranger@contoso.com", "CONTOSO\\stranger"])
def test_wrong_passwords_and_names(clients: Clients, scheme: str, auth: str, user: str) -> None:
    with pytest.raises(pypsrp_exceptions.AuthenticationError):
        clients.pool(scheme=scheme, auth=auth, user=user, password="wrong").open()


def test_basic_is_not_for_plain_http(clients: Clients) -> None:
    with pytest.raises(pypsrp_exceptions.AuthenticationError):
        clients.pool(scheme="http", auth="basic", encryption="never").open()


def test_plain_bodies_are_not_for_http(clients: Clients) -> None:
    with pytest.raises(pypsrp_exceptions.WinRMTransportError):
        clients.pool(scheme="http", auth="ntlm", encryption="never").open()


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"configuration": "NoSuch"}, 2150858811, "was not found in the WS-Management catalog"),
        ({"user": "nobody@contoso.com"}, 5, "Access is denied"),
        ({"user": "session.operator@contoso.com"}, 5, "Access is denied"),
    ],
)
def test_shells_that_do_not_open(clients: Clients, options: dict[str, typing.Any], code: int, text: str) -> None:
    with pytest.raises(pypsrp_exceptions.WSManFaultError, match=text) as fault:
        clients.pool(**options).open()
    assert fault.value.code == code


def test_a_session_operator_may_use_the_no_language_endpoint(clients: Clients) -> None:
    with clients.pool(SESSION_ENDPOINT, user="session.operator@contoso.com") as pool:
        assert call(pool, "Invoke-RDUserLogoff", HostServer=HOST, UnifiedSessionID=2, Force=True).state == 4
    assert clients.door.farm.audit()[0]["by"] == "session.operator@contoso.com"


def test_hosts_by_path(clients: Clients) -> None:
    with clients.pool(host="classroom-2012.contoso.com") as pool:
        assert len(call(pool, "Get-WmsSession").output) == 2
    with pytest.raises(pypsrp_exceptions.WinRMTransportError, match="404"):
        clients.pool(host="nowhere.contoso.com").open()


def test_the_31st_shell(clients: Clients) -> None:
    clients.door.set({"shell_quota": 3})
    pools = [clients.pool() for _number in range(4)]
    for pool in pools[:3]:
        pool.open()
    with pytest.raises(pypsrp_exceptions.WSManFaultError, match="maximum number of 3 concurrent shells") as fault:
        pools[3].open()
    assert fault.value.code == 2150859173
    with clients.pool(user="session.operator@contoso.com", configuration=SESSION_ENDPOINT):
        assert clients.shells() == 4  # the quota is each user's own
    for pool in pools[:3]:
        pool.close()
    assert clients.door.report()["now"] == {"shells": 0, "pipelines": 0}


def test_pipelines_that_are_not_closed_pile_up(clients: Clients) -> None:
    clients.door.set({"command_quota": 5})
    with clients.pool() as pool:
        for _number in range(8):
            call(pool, "Get-RDServer")
        for _number in range(5):
            PowerShell(pool).add_cmdlet("Get-RDServer").invoke()
        with pytest.raises(pypsrp_exceptions.WSManFaultError, match="concurrent commands per shell"):
            PowerShell(pool).add_cmdlet("Get-RDServer").invoke()


def test_a_shell_is_its_owners(clients: Clients) -> None:
    with clients.pool() as pool:
        stranger = clients.pool(user="session.operator@contoso.com")
        stranger.shell.id, stranger.shell.opened = pool.shell.id, True
        stranger.shell._selector_set = pool.shell._selector_set
        with pytest.raises(pypsrp_exceptions.WSManFaultError, match="was not found"):
            stranger.shell.close()
        assert call(pool, "Get-RDUserSession").output
        assert pool.is_alive()


def test_many_in_flight_from_one_thread(clients: Clients) -> None:
    clients.door.set({"delay": {"get-rdserver": 1.5}})
    with clients.pool() as pool:
        pool.max_runspaces = 16
        assert clients.door.report()["shells"][0]["runspaces"] == 16
        pipelines = [PowerShell(pool).add_cmdlet("Get-RDServer") for _n in range(16)]
        started = time.monotonic()
        for pipeline in pipelines:
            pipeline.begin_invoke()
        assert [len(pipeline.end_invoke()) for pipeline in pipelines] == [3] * 16
        assert time.monotonic() - started < 12  # one by one: 24
    assert clients.door.report()["high"]["pipelines"] > 8


def test_a_receive_times_out_and_is_repeated(clients: Clients) -> None:
    clients.door.faults.add({"kind": "wait", "command": "Get-RDUserSession", "seconds": 2.5})
    with clients.pool(operation_timeout=1, read_timeout=3) as pool:
        assert len(call(pool, "Get-RDUserSession").output) == 4


def test_a_client_that_left_takes_no_answer_with_it(clients: Clients) -> None:
    """A Receive that the client gave up must not swallow the output."""
    clients.door.faults.add({"kind": "wait", "command": "Get-RDUserSession", "seconds": 1.5})
    with clients.pool(operation_timeout=20, read_timeout=1, reconnection_backoff=0.1) as pool:
        assert len(call(pool, "Get-RDUserSession").output) == 4


def test_a_stop_is_answered_when_the_call_has_returned(clients: Clients) -> None:
    clients.door.faults.add({"kind": "hang", "command": "Get-RDServer", "seconds": 60})
    clients.door.faults.add({"kind": "hang", "command": "Get-RDUserSession", "seconds": 2})
    with clients.pool(operation_timeout=1, read_timeout=5) as pool:
        pipeline = PowerShell(pool).add_cmdlet("Get-RDUserSession")
        pipeline.begin_invoke()
        with pytest.raises(pypsrp_exceptions.WSManFaultError) as fault:
            pipeline.stop()
        assert fault.value.code == 2150858793
    assert clients.door.report()["now"] == {"shells": 0, "pipelines": 0}  # what blocks is left behind


@pytest.mark.parametrize(("when", "left"), [("before", 4), ("after", 3)])
def test_a_connection_cut_in_the_middle(clients: Clients, when: str, left: int) -> None:
    clients.door.faults.add({"kind": "reset", "command": "Invoke-RDUserLogoff", "when": when})
    pool = clients.pool()
    pool.open()
    with pytest.raises(requests.exceptions.ConnectionError):
        call(pool, "Invoke-RDUserLogoff", HostServer=HOST, UnifiedSessionID=2, Force=True)
    pool.close()
    with clients.pool() as again:
        assert len(call(again, "Get-RDUserSession").output) == left
    assert clients.shells() == 0


def test_a_host_that_nobody_reaches(clients: Clients) -> None:
    farm = clients.door.farm
    farm.change_host(farm.pool("wms", "classroom-2016"), "classroom-2016.contoso.com", status="Unavailable")
    with pytest.raises(requests.exceptions.ConnectionError):
        clients.pool(host="classroom-2016.contoso.com").open()


def test_faults_of_opening(clients: Clients) -> None:
    clients.door.faults.add({"kind": "access_denied", "times": 1})
    clients.door.faults.add({"kind": "shell_quota", "times": 1})
    clients.door.faults.add({"kind": "slow_open", "seconds": 0.5, "times": 1})
    for text in ("Access is denied", "concurrent shells"):
        with pytest.raises(pypsrp_exceptions.WSManFaultError, match=text):
            clients.pool().open()
    with clients.pool():
        pass


def test_secrets_cross_encrypted(clients: Clients) -> None:
    with clients.pool(host="wvd-management") as pool:
        pool.exchange_keys()
        credential = PSCredential(username="reader@contoso.com", password=clients.accounts["reader@contoso.com"])
        signed_in = call(pool, "Add-RdsAccount", DeploymentUrl="https://lab", Credential=credential)
        assert signed_in.output[0].adapted_properties["UserName"] == "reader@contoso.com"
        wrong = PSCredential(username="reader@contoso.com", password="wrong")
        refused = call(pool, "Add-RdsAccount", DeploymentUrl="https://lab", Credential=wrong)
        assert refused.streams.error[0].fq_error == "SignInFailed,Add-RdsAccount"
        no_secret = call(pool, "Add-RdsAccount", DeploymentUrl="https://lab", Credential="alice@contoso.com")
        assert no_secret.streams.error[0].fq_error == "CannotConvertArgumentNoMessage,Add-RdsAccount"


def test_large_values_come_whole(clients: Clients) -> None:
    """1.5 MB in, as several Sends, and an error text of that size out, as several Receives."""
    name = "x" * 1_500_000
    with clients.pool() as pool:
        pipeline = call(pool, "Get-RDUserSession", CollectionName=name)
    assert str(pipeline.streams.error[0]) == f"The specified collection {name} does not exist."


@pytest.mark.parametrize("data", [b"abc", b"\x00" * 7 + b"\x09" + b"\x00" * 7 + b"\x05\x03\x00\x00\x00\x04abcd"])
def test_what_is_no_psrp(clients: Clients, data: bytes) -> None:
    with clients.pool() as pool, pytest.raises(pypsrp_exceptions.WSManFaultError, match="not PSRP"):
        pool.shell.send("stdin", data)


def test_pywinrm_opens_a_shell_that_runs_nothing_without_a_powershell(clients: Clients) -> None:
    client = protocol.Protocol(
        f"https://127.0.0.1:{clients.door.https_port}/wsman/{HOST}",
        transport="ntlm",
        username="operator@contoso.com",
        password=clients.accounts["operator@contoso.com"],
        ca_trust_path=str(clients.door.ca_file),
    )
    shell_id = client.open_shell()
    with pytest.raises(winrm_exceptions.WinRMError, match="programs are not run"):
        client.run_command(shell_id, "powershell", ["-Help"])
    client.close_shell(shell_id)
    assert clients.shells() == 0


def test_threads_end(clients: Clients) -> None:
    with clients.pool(runspaces=4) as pool:
        for _number in range(4):
            call(pool, "Get-RDServer")
    time.sleep(0.1)
    assert [thread for thread in threading.enumerate() if thread.name == "pipeline"] == []
