# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of runs: a service, how it is reached, and what is done to its sessions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.campaign.farm import Effect


class Transport(Enum):
    """How a service is reached."""

    ARM = ""
    RUNSPACE = "runspace"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class Service:
    """What differs from service to service."""

    name: str
    places: int = 1
    """Places that a run is about at most."""
    hosts: int = 3
    """Hosts of a place at most."""
    runspaces: int = 64
    tells_creation: bool = True
    shows_ending: bool = True
    """Whether lists show that a session is being ended."""
    may_show_twice: bool = True
    """Whether a list may show an id twice."""
    says_absent: bool = False
    """Whether an act on nobody is answered by an error that says so, and nothing else."""


WVD = Service("wvd", places=2, may_show_twice=False, says_absent=True)
RDS = Service("rds")
WMS = Service("wms", hosts=1, tells_creation=False, shows_ending=False, says_absent=True)
WVD_CLASSIC = Service("wvd_classic", runspaces=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a run is about."""

    service: Service
    transport: Transport
    effect: Effect

    def __str__(self) -> str:
        return " ".join(filter(None, (self.transport.value, self.service.name, self.effect.value)))


KINDS = (
    Kind(WVD, Transport.ARM, Effect.DISCONNECTS),
    Kind(WVD, Transport.ARM, Effect.ENDS),
    Kind(WVD, Transport.ARM, Effect.LEAVES_MESSAGE),
    Kind(RDS, Transport.RUNSPACE, Effect.ENDS),
    Kind(RDS, Transport.RUNSPACE, Effect.DISCONNECTS),
    Kind(RDS, Transport.RUNSPACE, Effect.LEAVES_MESSAGE),
    Kind(WMS, Transport.RUNSPACE, Effect.ENDS),
    Kind(WMS, Transport.RUNSPACE, Effect.DISCONNECTS),
    Kind(WVD_CLASSIC, Transport.RUNSPACE, Effect.ENDS),
    Kind(RDS, Transport.SCRIPT, Effect.ENDS),
    Kind(RDS, Transport.SCRIPT, Effect.DISCONNECTS),
    Kind(RDS, Transport.SCRIPT, Effect.LEAVES_MESSAGE),
    Kind(WMS, Transport.SCRIPT, Effect.ENDS),
    Kind(WMS, Transport.SCRIPT, Effect.DISCONNECTS),
    Kind(WVD_CLASSIC, Transport.SCRIPT, Effect.ENDS),
)


def kinds(*services: Service, transport: Transport | None = None, effect: Effect | None = None) -> tuple[Kind, ...]:
    """Choose kinds by what is given."""
    return tuple(
        kind
        for kind in KINDS
        if (not services or kind.service in services)
        and transport in (None, kind.transport)
        and effect in (None, kind.effect)
    )
