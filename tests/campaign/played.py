# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is written down by hand, for the tests of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.campaign.farm import ACTIVE, Act, Answer, Effect, Farm, Login, time_of_day
from tests.campaign.judge import judge
from tests.campaign.kind import RDS, Kind, Transport, kinds
from tests.campaign.schedule import TAPE, Wanted, read_tape
from tests.campaign.trial import Told, Trial
from tests.campaign.world import START, World

PLACE, HOST = "pool-1", "host-1"
SPOT = (PLACE, HOST, "1")
(LOG_OFF,) = kinds(RDS, transport=Transport.RUNSPACE, effect=Effect.ENDS)


@dataclass
class Played:
    """A run of one session that is written down by hand, in seconds since its start."""

    kind: Kind = LOG_OFF
    wanted: Wanted = field(default_factory=Wanted)
    arguments: Mapping[str, object] = field(default_factory=dict)
    world: World = field(default_factory=World)
    told: list[Told] = field(default_factory=list)
    interrupted_at: float | None = None

    def __post_init__(self) -> None:
        self.farm = Farm(self.world)
        self.world.now = START
        self.alice = self.farm.sign_in(SPOT, "alice", time_of_day(START - 7200))
        self.alice.begun = START - 7200
        self.alice.states = [(START - 7200, ACTIVE)]

    def at(self, second: float) -> Played:
        """Let it be later."""
        self.world.now = START + second
        return self

    def read(self, second: float, seconds: float = 0.1) -> Played:
        """Read a list."""
        self.at(second)
        reading = self.farm.begin_reading(PLACE)
        rows = list(self.farm.rows(PLACE, "", 0.0))
        self.at(second + seconds)
        self.farm.deliver(reading, rows, whole=True)
        self.farm.take()
        self.farm.looks.append(seconds)
        return self

    def act(
        self,
        second: float,
        answer: Answer = Answer.ACCEPTED,
        applied: bool = True,
        faulty: bool = False,
        effect: Effect | None = None,
        **given: object,
    ) -> Act:
        """Act on the id, with the answer and the effect after a tenth of a second; else with the effect of the kind."""
        self.at(second)
        act = self.farm.begin_act(PLACE, HOST, "1", effect or self.kind.effect, **given)
        act.faulty = faulty
        self.at(second + 0.1)
        if applied:
            self.farm.apply(act)
        self.farm.answer(act, answer)
        return act

    def leave(self, second: float) -> Played:
        """Let the user leave."""
        self.at(second)
        self.farm.sign_out(self.alice, "the user leaves")
        return self

    def take_over(self, second: float, user: str = "bob") -> Login:
        """Let somebody have the id."""
        self.leave(second)
        return self.farm.sign_in(SPOT, user, time_of_day(self.world.now))

    def tell(self, second: float, outcome: str, claims: bool | None = None) -> Played:
        """Tell what became of the session."""
        if claims is None:
            claims = outcome in ("logged_off", "disconnected", "still_there")
        self.told.append(Told(SPOT, outcome, "", claims, START + second))
        return self

    def wrongs(self) -> list[str]:
        """Judge it."""
        return judge(self.trial())

    def trial(self) -> Trial:
        """Make what the judge sees."""
        schedule = read_tape(bytes(TAPE), (self.kind,))
        ended = max([one.at for one in self.told], default=self.world.now)
        return Trial(
            replace(schedule, wanted=self.wanted, arguments=self.arguments),
            self.farm,
            self.told,
            any(one.claims for one in self.told),
            self.farm.readings[0].delivered,
            ended,
            "" if self.interrupted_at is None else "interrupted",
            self.interrupted_at,
            (),
        )
