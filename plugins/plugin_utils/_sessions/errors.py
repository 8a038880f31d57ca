# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that every layer raises. The text of each is one sentence for the user that says what to do."""

from __future__ import annotations


class SessionsError(Exception):
    """Base of the errors of this collection."""


class SelectionError(SessionsError):
    """The request is not clear enough to act on; the text says which option and what to do."""


class ServiceError(SessionsError):
    """The service cannot be used.

    `lasting` tells that trying again cannot help: no right, no such place, wrong secret.
    """

    def __init__(self, message: str, *, lasting: bool = True) -> None:
        super().__init__(message)
        self.lasting = lasting


class TooLateError(SessionsError):
    """A request was not sent, because the time until which it may be sent is over, or the run has ended."""
