# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done to sessions, as data. The engine knows the three effects, and no verb by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from .session import DISCONNECTED, ENDING, Session

ALREADY_GONE = "already_gone"
"""Outcome: there is no such session (any more), so there is nothing to do."""


class Effect(Enum):
    """What a list shows of a session to which a verb was done."""

    GONE = auto()
    """It is not listed any more."""
    DISCONNECTED = auto()
    """Its state is disconnected, or it is not listed any more."""
    NONE = auto()
    """Nothing, so that only the answer tells whether it was done."""


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to sessions."""

    name: str
    """Infinitive, as in "disconnect 3 sessions"."""
    done: str
    """Outcome of a session to which it was done."""
    effect: Effect
    gone: str = ALREADY_GONE
    """Outcome of a session that is not there, without us."""
    already: str = ""
    """Outcome of a listed session that needs nothing."""
    repeatable: bool = True
    """Whether it may be sent again after an answer that leaves open whether it was done."""

    def is_settled(self, session: Session) -> bool:
        """Tell whether a listed session needs nothing (any more)."""
        return self.effect is Effect.DISCONNECTED and session.common_state == DISCONNECTED

    def is_under_way(self, session: Session) -> bool:
        """Tell whether a listed session is being ended just now, by whomever, so that nothing more is asked for."""
        return self.effect is not Effect.NONE and session.common_state == ENDING


@dataclass(frozen=True, slots=True)
class Operation:
    """A verb with what one task says about it."""

    verb: Verb
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Values of the module's options that only the service understands, by the options' names."""
    wait_timeout: float = 60.0
    """Seconds to go on with a session after its first request: to see the effect, or to try again."""
    time_limit: float | None = None
    """Seconds that one act may take, when the user has said so."""
    varying: Callable[[Session], Mapping[str, Any]] | None = None
    """Returns arguments that depend on the session, or on the moment. It is asked just before the act is sent, by any
    thread."""

    def arguments_for(self, session: Session) -> Mapping[str, Any]:
        """Return all arguments of the act on a session that is about to be sent."""
        return self.arguments if self.varying is None else {**self.arguments, **self.varying(session)}


DISCONNECT = Verb("disconnect", "disconnected", Effect.DISCONNECTED, already="already_disconnected")
LOG_OFF = Verb("log off", "logged_off", Effect.GONE)
MESSAGE = Verb("send a message to", "sent", Effect.NONE, gone="not_there", repeatable=False)
