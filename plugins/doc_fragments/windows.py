# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Windows hosts share: how they reach the host, and their attributes."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(windows) and C(windows.remote)."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - pypsrp >= 0.9.1 on the controller, for C(psrp) connections
  - pywinrm >= 0.5.0 on the controller, for C(winrm) connections
  - ansible.windows >= 2.4.0, for all other connections and for become
notes:
  - Over a P(ansible.builtin.psrp#connection) connection without become, cmdlets are called as they are and no script is
    sent. So a JEA endpoint that shows only these cmdlets is enough. Name it with C(ansible_psrp_configuration_name).
  - Over all other connections, and with become, a script calls the cmdlets. It is run by
    M(ansible.windows.win_powershell), at the host's or the user's full rights.
  - The script is on the host, so it does not hear when the run ends before the task does. It begins nothing more
    with sessions or session hosts 10 seconds after the first. The rest takes another run of it, which is not begun
    then.
  - A host that cannot be reached, or is lost on the way, is unreachable for the play. What is known of each session or
    session host is in the result.
  - Texts of the host in errors are in its own language. Nothing depends on them.
  - Nothing here has been run on Windows yet. It is tested against a simulation that answers as a real PowerShell does
    in recordings.
"""

    REMOTE = r"""
attributes:
  action:
    description: Runs as an action plugin on the controller.
    support: full
  connection:
    description: Uses the connection of the host.
    support: full
  platform:
    description: Where it works.
    support: full
    platforms: windows
"""
