# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Remote Desktop Services that also know Windows Virtual Desktop (classic)."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment C(wvd_classic). It comes before the fragment C(rds), of which it says one option anew."""

    DOCUMENTATION = r"""
options:
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
      - Only sessions in one of these states, in any case. For Remote Desktop Services V(STATE_ACTIVE),
        V(STATE_CONNECTED), V(STATE_CONNECTQUERY), V(STATE_SHADOW), V(STATE_DISCONNECTED), V(STATE_IDLE),
        V(STATE_LISTEN), V(STATE_RESET), V(STATE_DOWN) or V(STATE_INIT).
      - For Windows Virtual Desktop (classic) V(Active), V(Disconnected), V(Pending), V(LogOff),
        V(UserProfileDiskMounted) or V(Unknown).
      - Or by the words that all services share, of which V(active) is V(STATE_ACTIVE), V(STATE_SHADOW) and V(Active),
        V(disconnected) is V(STATE_DISCONNECTED) and V(Disconnected), V(ending) is V(STATE_RESET) and V(LogOff), and
        V(other) is the rest.
      - C(STATE_) may be left out, where that does not make it one of those words.
    type: list
    elements: str
notes:
  - The options O(host_server), O(connection_broker) and O(collection_name) are for Remote Desktop Services of Windows
    Server. The options O(tenant_name), O(host_pool_name), O(session_host_name), O(deployment_url), O(credential),
    O(service_principal), O(aad_tenant_id), O(application_id) and O(certificate_thumbprint) are for Windows Virtual
    Desktop (classic). Using both kinds is an error.
  - Windows Virtual Desktop (classic) was retired on 2026-09-30. Tasks for it warn.
"""
