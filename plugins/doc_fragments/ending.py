# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and attributes of the modules that do something to sessions."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment C(ending)."""

    DOCUMENTATION = r"""
options:
  all_sessions:
    description:
      - Must be V(true) for all sessions, when they are neither named nor filtered. Filters still count.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to go on with a session after the first request for it. In this time an unclear answer is tried again,
        after the identity of the session is proven again, and an accepted request must be seen to take effect. Nothing
        is asked for after it.
      - A session that a list still shows after this time has the outcome V(still_there), and the task fails.
      - Waiting for the first request because the service limits the rate of requests does not count.
    type: int
    default: 60
notes:
  - An option that says where or which is never "all" when it is given but empty, as an unanswered survey leaves it. It
    is an error then. Pass such options with C(default(omit, true)).
  - Ids are reused. Something is done to a session only if a list showed it with the host, id, user and time of creation
    with which it was selected. Names are compared without case. The request is sent at most 5 seconds and the time that
    the shortest list of the task took after that list was begun, and never more than 30 seconds after. A first list
    that took more than 5 seconds is always read again. Lists that take 30 seconds or more end nothing.
  - What happens while a list is read no list shows. So who takes over an id between the beginning of that list and the
    request cannot be seen. How long that was is in RV(sessions[].proof_age), and the task warns when it was more than 5
    seconds.
  - When the run ends before the task does, as when a job is cancelled or C(ansible-playbook) is killed, nothing more is
    asked for, at the latest 2 seconds after, or, where a script on a Windows host does it, 10 seconds after the first
    act of a run of the script. Sessions that were asked for by then may end.
"""
