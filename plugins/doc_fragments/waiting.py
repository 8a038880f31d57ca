# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and attributes of the modules that wait for sessions to end by themselves."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(waiting), and C(waiting.messages) of services that can send messages."""

    DOCUMENTATION = r"""
options:
  all_sessions:
    description:
      - Must be V(true) for all sessions, when they are neither named nor filtered. Filters still count.
    type: bool
    default: false
  deadline:
    description:
      - Until when to wait. Either a duration from the start of the task, a number with the unit V(s), V(m), V(h), V(d)
        or V(w), such as V(90s), V(30m) or V(2h).
      - Or a time in ISO 8601 with its offset from UTC, such as V(2026-11-30T02:00:00+01:00). It is compared with the
        controller's clock, and one that is over is an error.
      - A time of day alone, such as C(22:30), is none of these, and neither is a number without a unit.
    type: str
    required: true
  poll_interval:
    description:
      - Seconds between two lists. After a list that took long the next one is read after four times as long as it took,
        so that the service has others to serve. At the deadline, and when it is the turn of a message, a list is read
        in any case.
      - After a list that failed the next one is tried within 15 seconds.
    type: int
    default: 15
attributes:
  check_mode:
    support: full
    details: Lists who is on, and which messages would be sent when if everybody stayed. It does not wait.
  diff_mode:
    support: none
    details: No list of sessions shows messages.
  idempotent:
    support: partial
    details: Ends nothing. Each run sends its messages again.
notes:
  - Ends nothing. Who is left at the deadline is no failure, and is in RV(remaining), which can be passed on.
  - Sessions that begin while the task waits count when they pass the filters. Of sessions that were named only those
    count, and not who has their id later.
  - The task shows a line each minute, such as C(12 of 40 sessions still on, 23 min left). None comes while a list is
    read or messages are sent. One that is due by then comes right after.
  - While sessions cannot be listed the task goes on trying, and warns. When nobody could be listed for a minute after
    the deadline it fails, because it does not know who is left.
  - An option that says where or which is never "all" when it is given but empty, as an unanswered survey leaves it. It
    is an error then. Pass such options with C(default(omit, true)).
  - When the run ends before the task does, as when a job is cancelled or C(ansible-playbook) is killed, nothing more is
    sent, at the latest 2 seconds after, or, where a script on a Windows host does it, 10 seconds after the first
    message of a run of the script.
"""

    MESSAGES = r"""
options:
  messages:
    description:
      - Messages that are sent on the way, in this order, each nearer to the deadline than the one before it.
      - Each session gets each message once. Who comes later, or connects again to a disconnected session, gets the one
        whose turn it is as soon as a list shows it. A message whose turn is over is dropped, for those who have not got
        it by then, and nothing is sent after the deadline.
      - A disconnected session gets no message while it is disconnected, because nobody would see it.
      - A message that the service refuses for a session is tried three times, with each next list. When nobody can tell
        whether it was sent, it is V(unclear), and not sent again.
      - A message may take 30 seconds, so the task may end that much later than the deadline.
      - Who takes over an id between the beginning of the list that proves a session and its message cannot be seen. How
        long that was is in RV(sessions[].messages[].proof_age), and the task warns when it was more than 5 seconds.
    type: list
    elements: dict
    suboptions:
      before:
        description:
          - How long before the deadline it is sent, such as V(15m). When that is over already, it is sent at once.
        type: str
        required: true
      title:
        description:
          - Its title. C({minutes}) in it stands for the minutes that are left when it is sent, to the nearest, and at
            least 1.
        type: str
        required: true
      body:
        description:
          - Its text, with C({minutes}) as in O(messages[].title). All else is sent as it is, line ends included.
        type: str
        required: true
"""
