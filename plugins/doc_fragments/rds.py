# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Remote Desktop Services: those of either of two services."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment C(rds)."""

    DOCUMENTATION = r"""
options:
  host_server:
    description:
      - Only sessions on this session host, or virtualization host, of Remote Desktop Services.
      - The name without its domain is enough when only one server of the deployment has it. Upper and lower case do
        not matter.
    type: str
  connection_broker:
    description:
      - The connection broker that lists the sessions, by its full name with the domain. With several brokers it must be
        the active one.
      - Defaults to the host of the task.
    type: str
  collection_name:
    description:
      - Only sessions of these session collections. Wildcards are refused.
    type: list
    elements: str
  tenant_name:
    description:
      - Tenant of Windows Virtual Desktop (classic).
    type: str
  host_pool_name:
    description:
      - Host pool of Windows Virtual Desktop (classic).
    type: str
  session_host_name:
    description:
      - Only sessions on this session host of Windows Virtual Desktop (classic). The full name.
    type: str
  deployment_url:
    description:
      - Where C(Add-RdsAccount) signs in.
      - Defaults to U(https://rdbroker.wvd.microsoft.com).
    type: str
  credential:
    description:
      - Who signs in to Windows Virtual Desktop (classic). A user without multi-factor authentication, or with
        O(service_principal=true) an application and its secret.
    type: dict
    suboptions:
      username:
        description:
          - User principal name, or id of the application.
        type: str
        required: true
      password:
        description:
          - The password or secret.
        type: str
        required: true
  service_principal:
    description:
      - Whether O(credential) is that of an application. Needs O(aad_tenant_id).
    type: bool
    default: false
  aad_tenant_id:
    description:
      - Tenant of Microsoft Entra ID in which the application is.
    type: str
  application_id:
    description:
      - The application that signs in with a certificate.
    type: str
  certificate_thumbprint:
    description:
      - Thumbprint of the certificate with which O(application_id) signs in. It must be in the certificate store of the
        host's user.
    type: str
  session_state:
    description:
      - Only sessions in one of these states. For Remote Desktop Services V(STATE_ACTIVE), V(STATE_CONNECTED),
        V(STATE_CONNECTQUERY), V(STATE_SHADOW), V(STATE_DISCONNECTED), V(STATE_IDLE), V(STATE_LISTEN), V(STATE_RESET),
        V(STATE_DOWN) or V(STATE_INIT), with or without C(STATE_).
      - For Windows Virtual Desktop (classic) V(Active), V(Disconnected), V(Pending), V(LogOff),
        V(UserProfileDiskMounted) or V(Unknown).
      - Upper and lower case do not matter.
    type: list
    elements: str
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.rds
      - remotedesktop.sessions.windows
notes:
  - The options O(host_server), O(connection_broker) and O(collection_name) are for Remote Desktop Services of Windows
    Server. The options O(tenant_name), O(host_pool_name), O(session_host_name), O(deployment_url), O(credential),
    O(service_principal), O(aad_tenant_id), O(application_id) and O(certificate_thumbprint) are for Windows Virtual
    Desktop (classic). Using both kinds is an error.
  - Windows Virtual Desktop (classic) was retired on 2026-09-30. Tasks for it warn.
  - C(Get-RDUserSession) makes a second hop even to the broker itself. Without credentials that travel on it says that
    there is no deployment. Use C(become) with C(become_method) V(runas) and a password, or CredSSP. The user must be a
    local administrator of the broker.
  - Sessions outside all collections, such as those of administrators, are not listed by the cmdlet.
"""
