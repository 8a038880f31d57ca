# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pacing against a token bucket in memory: nearly all that the bucket gives, and hardly a refusal."""

from __future__ import annotations

import heapq

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.pacing import Pacing
from tests.unit.fakes.clock import Clock


@pytest.fixture(name="clock")
def fixture_clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture(name="pacing")
def fixture_pacing(clock: Clock) -> Pacing:
    return Pacing(10.0, clock)


class Bucket:
    """ARM's bucket of writes: what it holds, how fast it refills, and what it answers."""

    def __init__(
        self, clock: Clock, size: float = 200.0, refill: float = 10.0, retry_after: float | None = 1.0
    ) -> None:
        self.clock, self.size, self.refill, self.retry_after = clock, size, refill, retry_after
        self.tokens, self.at = size, clock()
        self.refused = 0

    def take(self) -> int | None:
        """Take a token and return how many are left, or `None` for a refusal."""
        self.tokens = min(self.size, self.tokens + (self.clock() - self.at) * self.refill)
        self.at = self.clock()
        if self.tokens < 1.0:
            self.refused += 1
            return None
        self.tokens -= 1.0
        return int(self.tokens)


def send_all(count: int, bucket: Bucket, clock: Clock, pacing: Pacing, room: int = 16, latency: float = 0.05) -> float:
    """Send so many requests as the engine does; return the seconds that they took."""
    begun = clock()
    flying: list[tuple[float, int, int | None]] = []
    left, sent = count, 0
    while left or flying:
        while left and len(flying) < room and pacing.pause() == 0.0:
            left -= 1
            sent += 1
            pacing.begin()
            heapq.heappush(flying, (clock() + latency, sent, bucket.take()))
        wake = clock() + max(pacing.pause(), 1e-6) if left and len(flying) < room else float("inf")
        if flying and flying[0][0] <= wake:
            clock.now, _number, remaining = heapq.heappop(flying)
            if remaining is None:
                pacing.refused(bucket.retry_after)
                left += 1
            else:
                pacing.remaining(remaining)
            pacing.end()
        else:
            clock.now = wake
        assert clock() < begun + 10_000.0
    return clock() - begun


def test_thousand_requests_take_hardly_longer_than_the_bucket_allows(clock: Clock, pacing: Pacing) -> None:
    bucket = Bucket(clock)
    assert send_all(1000, bucket, clock, pacing) <= 1.05 * 80.0
    assert bucket.refused <= 5


@pytest.mark.parametrize("latency", [0.005, 0.05, 0.5])
@pytest.mark.parametrize("room", [1, 16])
def test_bucket_is_neither_overdrawn_nor_left_unused(clock: Clock, pacing: Pacing, latency: float, room: int) -> None:
    bucket = Bucket(clock)
    ideal = max(40.0, 600 * latency / room)
    assert send_all(600, bucket, clock, pacing, room, latency) <= 1.1 * ideal + 2 * latency
    assert bucket.refused <= 5


def test_bucket_that_somebody_else_has_emptied_costs_time_only(clock: Clock, pacing: Pacing) -> None:
    bucket = Bucket(clock)
    bucket.tokens = 0.0
    assert send_all(200, bucket, clock, pacing) <= 1.1 * 20.0 + 1.0
    assert bucket.refused <= 20


def test_few_requests_are_not_held_back(clock: Clock, pacing: Pacing) -> None:
    assert send_all(200, Bucket(clock), clock, pacing) == pytest.approx(200 / 16 * 0.05, abs=0.05)


def test_second_run_starts_with_what_the_bucket_then_says(clock: Clock, pacing: Pacing) -> None:
    bucket = Bucket(clock)
    send_all(210, bucket, clock, pacing)
    clock.now += 60.0
    assert send_all(200, bucket, clock, pacing) <= 2.0
    assert bucket.refused <= 3


def test_nothing_is_held_back_before_the_first_answer(clock: Clock, pacing: Pacing) -> None:
    assert pacing.pause() == 0.0
    for _number in range(16):
        pacing.begin()
    assert pacing.pause() == 0.0


def test_requests_in_flight_count_against_what_is_left(clock: Clock, pacing: Pacing) -> None:
    for _number in range(3):
        pacing.begin()
    pacing.remaining(2)
    assert pacing.pause() == pytest.approx(0.1)
    pacing.end()
    pacing.remaining(2)
    clock.now += 0.1
    assert pacing.pause() == 0.0


def test_each_request_takes_one_and_the_bucket_refills_meanwhile(clock: Clock, pacing: Pacing) -> None:
    pacing.begin()
    pacing.remaining(1)
    pacing.end()
    assert pacing.pause() == 0.0
    pacing.begin()
    assert pacing.pause() == pytest.approx(0.1)
    clock.now += 0.04
    assert pacing.pause() == pytest.approx(0.06)


def test_answer_that_came_alone_corrects_upwards_too(clock: Clock, pacing: Pacing) -> None:
    pacing.begin()
    pacing.remaining(0)
    assert pacing.pause() == pytest.approx(0.1)
    pacing.remaining(50)
    assert pacing.pause() == 0.0


def test_refusal_waits_as_long_as_it_says(clock: Clock, pacing: Pacing) -> None:
    pacing.begin()
    pacing.refused(17.0)
    pacing.end()
    assert pacing.pause() == 17.0
    clock.now += 16.0
    assert pacing.pause() == 1.0
    clock.now += 1.0
    assert pacing.pause() == 0.0


def test_longest_wait_that_was_asked_for_counts(clock: Clock, pacing: Pacing) -> None:
    pacing.refused(17.0)
    pacing.refused(3.0)
    assert pacing.pause() == 17.0


def test_refusals_that_do_not_say_how_long_wait_longer_each_time_up_to_a_minute(clock: Clock, pacing: Pacing) -> None:
    waits = []
    for _number in range(9):
        pacing.refused(None)
        waits.append(pacing.pause())
        clock.now += waits[-1]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_good_answer_makes_the_next_wait_short_again(clock: Clock, pacing: Pacing) -> None:
    for _number in range(5):
        pacing.refused(None)
        clock.now += pacing.pause()
    pacing.begin()
    pacing.remaining(100)
    pacing.end()
    pacing.refused(None)
    assert pacing.pause() == 1.0


def test_refusal_empties_the_bucket_as_it_is_known(clock: Clock, pacing: Pacing) -> None:
    pacing.begin()
    pacing.remaining(100)
    pacing.end()
    pacing.refused(0.0)
    assert pacing.pause() == pytest.approx(0.1)


def test_burst_of_refusals_is_one_refusal():
    clock = Clock(1000.0)
    pacing = Pacing(10.0, clock)
    for _number in range(16):
        pacing.begin()
    for _number in range(16):
        pacing.refused(None)
    assert pacing.pause() <= 2.0


def test_callers_at_the_same_time_get_times_of_their_own(clock: Clock, pacing: Pacing) -> None:
    assert pacing.reserve() == 0.0
    pacing.remaining(2)
    pacing.end()
    assert [pacing.reserve() for _caller in range(5)] == pytest.approx([0.0, 0.0, 0.1, 0.2, 0.3])
    clock.sleep(0.3)
    assert pacing.reserve() == pytest.approx(0.1)


def test_reserved_requests_wait_for_a_refusal_too(clock: Clock, pacing: Pacing) -> None:
    pacing.reserve()
    pacing.refused(7.0)
    pacing.end()
    assert pacing.reserve() == 7.0
    clock.sleep(7.0)
    assert pacing.reserve() == 0.0
