# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that session_report saves: what is not of its form restores nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import JournalError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.saved_states import read_saved
from tests.unit.window.rows import rds, wvd

WVD = {"hosts": [wvd(0)]}


def test_states_by_service_and_broker(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    brokers = [{"broker": "rdcb-1", "hosts": [rds(0, secret="{{ 1 }}")]}, {"broker": "rdcb-2", "hosts": []}]
    path.write_text(json.dumps({"version": 1, "wvd": WVD, "rds": brokers}))
    saved = read_saved(path)
    assert saved.wvd == [{name: value for name, value in wvd(0).items() if name != "sessions"}]
    assert saved.rds == {"rdcb-1": [rds(0)], "rdcb-2": []}, "only what says which host it is, and its state"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("allow_new_session: true", "no JSON"),
        ("[]", "no version"),
        (json.dumps({"version": 2, "wvd": WVD, "rds": []}), "version 2, and this release reads version 1"),
        (json.dumps({"version": "1", "wvd": WVD, "rds": []}), "version '1'"),
        (json.dumps({"version": 1, "wvd": {"hosts": "all"}, "rds": []}), "another form"),
        (json.dumps({"version": 1, "wvd": {"hosts": [{"host": "a"}]}}), "state of session host a is not known"),
        (json.dumps({"version": 1, "wvd": WVD, "rds": [{"broker": "rdcb-1"}]}), "another form"),
        (json.dumps({"version": 1, "wvd": WVD, "rds": ["rdcb-1"]}), "another form"),
    ],
)
def test_file_of_another_form_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "saved.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(JournalError, match=says):
        read_saved(path)
