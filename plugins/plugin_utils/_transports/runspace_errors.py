# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error of psrp means for the user: one sentence that says what to do.

A connection that fails becomes an AnsibleConnectionFailure, which makes the host unreachable for the play;
what needs a change on the host or in its rights becomes a ServiceError, which fails the task.
"""

from __future__ import annotations

import re

from ansible.errors import AnsibleConnectionFailure

from .._sessions.errors import ServiceError

try:
    from pypsrp.exceptions import AuthenticationError, InvalidPSRPOperation, WinRMTransportError, WSManFaultError
    from requests.exceptions import SSLError, Timeout
except ImportError:  # reported where the connection is made
    pass

ACCESS_DENIED = 5
NO_SUCH_ENDPOINT = frozenset((2150858811, 2150858752))
OPERATION_TIMED_OUT = 2150858793
"""Nothing came within the time for which a request let the host wait: no error."""
SESSION_GONE = 2150858843
SHELL_QUOTAS = frozenset((2150859173, 2150859179, 2150859236, 2150859237, 2150859238))
LOAD_QUOTAS = frozenset((2150859174, 2150859175, 2150859176, 2150859239, 2150859240, 2150859241))
"""WSMan fault codes (wsmerror.h)."""
QUOTAS = SHELL_QUOTAS | LOAD_QUOTAS
"""Refused before anything was done, because the user has too much open on the host."""

ERRNO = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")
QUOTED = re.compile(r"'([^']+)'\)*$")


def explain(error: BaseException, host: str, endpoint: str) -> ServiceError | AnsibleConnectionFailure:
    """Say what an error of pypsrp or requests means; `endpoint` is the PowerShell session configuration."""
    if isinstance(error, WSManFaultError):
        return _explain_fault(error, host, endpoint)
    if isinstance(error, AuthenticationError):
        return AnsibleConnectionFailure(
            f"{host} refused the sign-in: check ansible_user, ansible_password and ansible_psrp_auth."
        )
    if isinstance(error, InvalidPSRPOperation):
        return ServiceError(f"{host} could not run a PowerShell session on the endpoint {endpoint}: {_line(error)}")
    if isinstance(error, WinRMTransportError):
        return AnsibleConnectionFailure(
            f"{host} answered with HTTP status {error.code}: check ansible_port, ansible_psrp_protocol and "
            "ansible_psrp_path."
        )
    if isinstance(error, SSLError):
        return AnsibleConnectionFailure(
            f"The certificate of {host} is not trusted ({_line(error)}): set ansible_psrp_ca_cert to the CA that "
            "signed it."
        )
    if isinstance(error, Timeout):
        return AnsibleConnectionFailure(f"{host} did not answer in time: check that it is up and can be reached.")
    return AnsibleConnectionFailure(
        f"The psrp connection to {host} failed ({_line(error)}): check that it is up, that WinRM listens there, and "
        "ansible_host and ansible_port."
    )


def _explain_fault(fault: WSManFaultError, host: str, endpoint: str) -> ServiceError | AnsibleConnectionFailure:
    if fault.code == ACCESS_DENIED:
        return ServiceError(
            f"{host} denies access to the endpoint {endpoint}: the user must be in Remote Management Users, or in a "
            "group that the endpoint's role definitions name."
        )
    if fault.code in NO_SUCH_ENDPOINT:
        return ServiceError(
            f"{host} has no PowerShell endpoint {endpoint}: check ansible_psrp_configuration_name, or register it "
            "there."
        )
    if fault.code in SHELL_QUOTAS:
        return ServiceError(
            f"The user has as many shells open on {host} as its quota allows (MaxShellsPerUser): close some, or wait "
            "until idle ones end.",
            lasting=False,
        )
    if fault.code in LOAD_QUOTAS:
        return ServiceError(f"{host} takes no more requests of this user for now: {_line(fault)}", lasting=False)
    if fault.code == SESSION_GONE:
        return AnsibleConnectionFailure(
            f"The PowerShell session on {host} is gone: the host was restarted, or somebody ended it."
        )
    return AnsibleConnectionFailure(f"WinRM on {host} refused a request (fault {fault.code}): {_line(fault)}")


def _line(error: BaseException) -> str:
    """Return what an error says itself, without what the libraries have wrapped around it."""
    text = " ".join(str(getattr(error, "reason", None) or error).split())
    match = ERRNO.search(text) or QUOTED.search(text)
    return match[1].strip() if match else text
