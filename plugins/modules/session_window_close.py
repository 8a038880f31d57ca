#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: session_window_close
short_description: Close the session hosts of a wave, warn their users, wait, and end what remains
version_added: 0.1.0
description:
  - The first half of a wave of a maintenance window. The role P(remotedesktop.sessions.session_window#role) calls it
    once for the hosts of a batch, and M(remotedesktop.sessions.session_window_open) after the work.
  - Closes the hosts to new sessions and reads them back, sends messages before the deadline, waits, goes on early when
    nobody is left, does to those who stay what O(remaining) says, and proves which hosts are ready for the work.
  - Before the first host is closed it starts a guard, a process that outlives the run. When the run has ended, however,
    and has not opened everything, the guard opens the rest, to the states before, and leaves.
  - Nobody who is active is ended unless a message of this window was sent to him O(minimum_notice) before. For those
    who come late, or come back, the deadline is put off, by three times O(minimum_notice) at most.
  - A host that is not worked on is left in peace. It is not closed, or opened at once, and nobody there is warned or
    ended any more. That is a host on which somebody is who is protected, one that is not available, or not any more,
    one that somebody else has opened twice while it was closed, and one that is not ready in the end.
  - A host is refused that another run of this machine has closed, of whatever user. Such runs are seen by files in
    C(/var/tmp), or in the folder that the environment variable E(SESSION_WINDOW_RUNS) names, beside the folder of
    O(journal). They name no host.
  - It never fails for a single host. It fails for the whole wave when options are wrong, when another run has closed
    one of the hosts, when too few hosts would be left open, or when the service cannot be reached.
  - MultiPoint has no way to close a host or to send a message, so there is no window for it.
options:
  host:
    description:
      - What the variable C(session_window_host) is for the host of the task, to refuse one that the play sets, which
        would be the same for all hosts. The names that count are those of the inventory, C(session_window_host), else
        C(wvd_session_host_name), else the name of the host.
    type: str
  deadline:
    description:
      - How long users have from the time their host is closed, a duration such as V(90s), V(30m) or V(2h).
    type: str
    default: 30m
  minimum_notice:
    description:
      - For how long everybody who is active must have been warned before his session is ended, a duration. V(0s) ends
        those who could not be warned, too. It must not be longer than O(deadline).
      - Others than the active ones need no notice, so beyond that it counts only with O(remaining=disconnect) and
        O(remaining=logoff).
    type: str
    default: 5m
  latest:
    description:
      - Until when the window may take, a time with its zone such as V(2026-11-30T05:00:00+01:00), or a duration that
        counts from the start of the window.
      - A wave whose deadline would be later is not begun. When the run is still at work then, see O(latest_action).
    type: str
  latest_action:
    description:
      - What the guard does when the run is still at work at O(latest). V(stop_and_open) ends the run and opens its
        hosts. V(warn) writes it into the journal and lets the run go on.
    type: str
    choices: [stop_and_open, warn]
    default: stop_and_open
  messages:
    description:
      - Messages to those who are active, in the order in which they are sent. Everybody gets each at most once. Of
        several that are due the last one is sent.
    type: list
    elements: dict
    suboptions:
      before:
        description: So long before the deadline it is sent, a duration such as V(15m).
        type: str
        required: true
      title:
        description: Its title.
        type: str
        required: true
      body:
        description: Its text. C({minutes}) stands for the minutes that are left when it is sent.
        type: str
        required: true
  remaining:
    description:
      - What is done to those who are still on at the deadline.
      - V(leave) - nothing, so a host that somebody is on is not worked on.
      - V(logoff_disconnected) - log off those who are disconnected.
      - V(disconnect) - disconnect those who are active and have been warned. Needs O(ready_when=nobody_active).
      - V(logoff) - log off those who are disconnected, and those who are active and have been warned.
      - Where somebody stays for whom a host would not be ready, nobody there is ended.
    type: str
    choices: [leave, logoff_disconnected, disconnect, logoff]
    default: leave
  ready_when:
    description:
      - When a host is ready for the work. V(empty) - it has no session at all, by its list and by the service's own
        count. V(nobody_active) - all its sessions are disconnected.
    type: str
    choices: [empty, nobody_active]
    default: empty
  protected_users:
    description:
      - Users whose hosts are left in peace, as C(user@domain), C(DOMAIN\user), or the account alone.
      - Wildcards are refused. Names may also stand in one text, with commas between them or on lines of their own, as a
        survey gives them.
    type: list
    elements: str
  unavailable_hosts:
    description:
      - What becomes of hosts that serve nobody, by their status. V(skip) leaves them in peace, V(fail) refuses the
        wave. A host that becomes so later is left in peace, which V(fail) makes an error. Remote Desktop Services does
        not tell, so there a host that is off fails to be closed.
    type: str
    choices: [skip, fail]
    default: skip
  keep_open:
    description:
      - How many session hosts of each host pool, or of the deployment, must be left that are available and take new
        sessions, a number, or a part of all there such as V(25%). Read from the service before and after the hosts are
        closed, and only where a wave closes any.
    type: str
    default: "0"
  ready_timeout:
    description:
      - O(remotedesktop.sessions.session_window_open#module:ready_timeout), to find an error before anything is closed.
    type: str
    default: 10m
  reopen_failed_hosts:
    description:
      - O(remotedesktop.sessions.session_window_open#module:reopen_failed_hosts), likewise.
    type: bool
    default: true
  stop_at_percentage:
    description:
      - O(remotedesktop.sessions.session_window_open#module:stop_at_percentage), likewise.
    type: int
    default: 25
  tolerate:
    description:
      - On Azure Virtual Desktop a window is refused on a host pool on which Autoscale is enabled, of which a session
        host update is under way, or that is personal. Name here what is no reason to.
    type: list
    elements: str
    choices: [autoscale, session_host_update, personal_host_pool]
  poll_interval:
    description:
      - Seconds between two lists of the sessions at least. The hosts are read again with each, and closed once more if
        somebody else has opened them.
    type: int
    default: 15
  wait_timeout:
    description:
      - Seconds in which a host must be seen to be closed, or a session to be ended.
    type: int
    default: 60
  guard:
    description:
      - Whether a guard is started. It needs Linux on the controller. It cannot help when its container, its control
        group or the machine ends with the run, as an execution environment does.
    type: bool
    default: true
  guard_patience:
    description:
      - How long the guard tries to open what the run has left closed, a duration.
    type: str
    default: 4h
  tasks_file:
    description:
      - A file of tasks that a later task includes, to find its mistakes before anything is closed. No task of it is
        run. A relative path is meant from the folder of the playbook.
      - Found are a file that is missing or cannot be read as tasks, and modules, and words of M(ansible.builtin.meta),
        that there are not. What the file imports is read, too. What it includes is not. With C(action) a module whose
        name is a template is not looked for, nor one that an included role may bring.
      - In the role P(remotedesktop.sessions.session_window#role) the hosts of a wave may have different files. All are
        read, but for those whose names are not known yet.
      - Says, too, that the hosts are opened in the play that closes them. When that play has been ended in between (by
        C(meta=end_play)), the next window of the run has its guard open them before it closes others. Hosts that were
        closed without it stay closed until a later play opens them, or the run has ended.
    type: str
attributes:
  check_mode:
    support: full
    details: >-
      Reads hosts and sessions, shows a line for each, and returns what would be done if everybody stayed. With the
      keyword C(no_log) it shows no line for a session. Starts no guard. Times of later batches count from the deadline
      of the one before; where nobody is waited for, they are earlier.
extends_documentation_fragment:
  - remotedesktop.sessions.window
  - remotedesktop.sessions.window.supports
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.session_window_open
  - module: remotedesktop.sessions.session_window_reopen
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Patch session hosts in a block of your own, without the role
  hosts: wvd_pool_pool_01
  gather_facts: false
  serial: 25%
  tasks:
    - name: Hold the window
      block:
        - name: Close the hosts of this wave
          remotedesktop.sessions.session_window_close:
            service: wvd
            place:
              resource_group_name: rg-avd
              host_pool_name: pool-01
            deadline: 30m
            messages:
              - before: 15m
                title: Maintenance
                body: This computer goes into maintenance in {minutes} minutes.
          register: window
          run_once: true
          ignore_errors: true

        - name: Let every host of the wave hear of what has failed
          ansible.builtin.fail:
            msg: "{{ window.msg }}"
          when: window is failed

        - name: Do the work
          ansible.builtin.debug:
            msg: Here the host is patched and restarted.
          when: window.wave.hosts[inventory_hostname].ready | default(false)
      always:
        - name: Open them again
          remotedesktop.sessions.session_window_open:
            service: wvd
            place:
              resource_group_name: rg-avd
              host_pool_name: pool-01
            wave: "{{ window.wave | default({}) }}"
          register: opened
          run_once: true

        - name: Fail where a host is closed still, or the window ends here
          ansible.builtin.fail:
            msg: "{{ opened.left_closed[inventory_hostname] | default('Too many hosts of the wave have failed.') }}"
          when: opened.stop or inventory_hostname in opened.left_closed
"""

RETURN = r"""
changed:
  description: Whether a host was closed, a message sent or a session ended, or would be in check mode.
  returned: always
  type: bool
journal:
  description: The journal of the run. Empty in check mode.
  returned: unless options are wrong
  type: str
  sample: /home/operator/.local/state/remotedesktop.sessions/20261130T010000-4711-0000000004.jsonl
of_batch:
  description:
    - Whether the wave is a batch of the play, and not one host, as under the strategies C(free) and C(host_pinned).
    - With the keyword C(run_once) Ansible registers a result for all hosts of the play. So a task that is used under
      these strategies must do without it.
  returned: always
  type: bool
  sample: true
wave:
  description:
    - What is known of the wave, for O(remotedesktop.sessions.session_window_open#module:wave).
    - In check mode all of it. Else, as each task of each host would get a copy, only RV(wave.facts), the times, and of
      each host RV(wave.hosts.ready) and RV(wave.hosts.out); the rest is in the report of the run.
  returned: unless options are wrong
  type: dict
  contains:
    check_mode: {description: 'Whether it is a plan, of which nothing was done.', type: bool, sample: false}
    began: {description: When it began, type: str, sample: "2026-11-30T01:00:00.000Z"}
    deadline:
      description: The deadline, null if nobody was waited for.
      type: str
      sample: "2026-11-30T01:30:00.000Z"
    facts: {description: A file with all of it until the wave has ended. Not in check mode., type: str, sample: ""}
    hosts:
      description: What became of each host, by its name in the inventory.
      type: dict
      contains:
        ready: {description: Whether it is ready for the work., type: bool, sample: true}
        out: {description: 'Why it is not worked on, else empty.', type: str, sample: ""}
        host: {description: The session host., type: str, sample: avd-0.contoso.com}
        key: {description: What says which session host it is., type: list, elements: str, sample: []}
        failed: {description: Whether that is an error., type: bool, sample: false}
        closed_before:
          description: Whether it was closed before, so that it stays closed.
          type: bool
          sample: false
        closed_at: {description: 'When the run closed it, else null.', type: str, sample: "2026-11-30T01:00:01.000Z"}
        opened_at: {description: 'When the run opened it again, else null.', type: str, sample: null}
        reopened_by_others: {description: How often somebody else has opened it meanwhile., type: int, sample: 0}
    sessions:
      description: Everybody who was on at any time.
      type: list
      elements: dict
      contains:
        host: {description: The session host., type: str, sample: avd-0.contoso.com}
        session: {description: Its id., type: str, sample: "3"}
        owner: {description: Its user., type: str, sample: alice@contoso.com}
        state: {description: Its state when it was last seen., type: str, sample: active}
        outcome:
          description:
            - V(ended) - it ended by itself.
            - V(still_there) - it was left, or was there still after it was to be ended. Where its host was taken out of
              the wave, nobody has looked whether it ended later.
            - V(not_selected) - it may stay, as it does not keep its host from being ready.
            - Else it is the outcome of what was done to it, as M(remotedesktop.sessions.wvd_session_logoff) and
              M(remotedesktop.sessions.wvd_session_disconnect) return it, such as V(logged_off); in check mode of what
              would be done to it.
          type: str
          sample: logged_off
        done: {description: 'What was done to it, or may have been, else empty.', type: str, sample: log off}
        reason: {description: 'Why, unless the outcome says it all.', type: str, sample: ""}
        ended_at:
          description: When it was seen to have ended, else null. In check mode when it would be ended.
          type: str
          sample: "2026-11-30T01:30:02.000Z"
        warned_at:
          description: When its first message was sent, else null, as in check mode.
          type: str
          sample: "2026-11-30T01:15:00.000Z"
        messages:
          description: What it was told, as M(remotedesktop.sessions.wvd_session_wait) returns it.
          type: list
          elements: dict
          sample: []
    met_before:
      description: Users who were warned or ended by this wave and an earlier one of the run, too. Not in check mode.
      type: list
      elements: str
      sample: []
    happenings: {description: What happened to hosts on the way., type: list, elements: dict, sample: []}
    warnings: {description: Sentences about what may be wrong., type: list, elements: str, sample: []}
"""
