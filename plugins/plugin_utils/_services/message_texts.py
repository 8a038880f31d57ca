# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of a message, as options of every module that sends one. They reach the user as they are."""

from __future__ import annotations

from .._sessions.errors import SelectionError
from .place import Options, Spec

TEXTS: Spec = {"message_title": {"type": "str"}, "message_body": {"type": "str"}}
"""Each is blank as good as left out. No service documents how long they may be, so that is for the service to say."""
BOTH_TEXTS: Spec = {name: {**spec, "required": True} for name, spec in TEXTS.items()}


def check_texts(options: Options, *, both: bool = False) -> None:
    """Refuse a message without a text, or one that lacks any of `both`. Raises SelectionError.

    `options` are those of any module of the service.
    """
    texts = [name for name in TEXTS if name in options]
    blank = [name for name in texts if not (options[name] or "").strip()]
    if blank and both:
        raise SelectionError(f"{' and '.join(blank)} must hold a text: the message needs a title and a body.")
    if blank and blank == texts:
        raise SelectionError("message_body is missing: it is the text of the message. message_title is its title.")
