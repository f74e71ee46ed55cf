"""The simulated reactor of `make scale` against what queueing theory knows."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benches"))

from reactor import FREE, Cost, simulate  # noqa: E402


def each(seconds):
    """Updates that take so long each, however many come together."""
    return Cost(((1, seconds), (10, seconds * 10)))


def test_a_cost_goes_through_what_was_measured_and_on_from_there():
    cost = Cost(((1, 3.0), (10, 12.0), (100, 282.0)))
    assert [cost.of(size) for size in (1, 4, 10, 40, 100)] == [3.0, 6.0, 12.0, 102.0, 282.0]
    assert cost.of(200) == 582.0
    assert cost.of_each() == 3.0
    assert (cost + cost * 2).points == (cost * 3).points
    assert FREE.of(1) == FREE.of(1000) == 0.0


@pytest.mark.parametrize("busy", [0.2, 0.4, 0.7])
def test_other_work_alone_waits_as_in_m_m_1(busy):
    job = 0.002
    got = simulate(10.0, FREE, other=busy, job=job, seconds=1_000.0)
    assert got.share == 0.0
    assert got.other_waits == pytest.approx(busy * job / (1 - busy), rel=0.05)


@pytest.mark.parametrize("busy", [0.2, 0.5, 0.8])
def test_updates_alone_wait_as_in_m_d_1(busy):
    took = 0.001
    got = simulate(busy / took, each(took), other=0.0, job=0.002, seconds=300.0)
    assert got.share == pytest.approx(busy, rel=0.02)
    assert got.update_waits == pytest.approx(busy * took / (2 * (1 - busy)), rel=0.05)


@pytest.mark.parametrize(("other", "share", "took"), [(0.4, 0.1, 0.0005), (0.4, 0.4, 0.001), (0.2, 0.3, 0.01)])
def test_both_together_wait_as_in_m_g_1(other, share, took):
    # Which of the two goes first only moves the waiting from one to the other: the sum of what they
    # wait, each by its part of the time, is that of one queue (Kleinrock's conservation law).
    job = 0.002
    got = simulate(share / took, each(took), other=other, job=job, seconds=1_000.0)
    busy = other + share
    # Of exponentials the mean square is twice the square of the mean.
    left_to_do = (other / job * 2 * job**2 + share / took * took**2) / 2
    waits = other * got.other_waits + share * got.update_waits
    assert got.share == pytest.approx(share, rel=0.02)
    assert waits == pytest.approx(busy * left_to_do / (1 - busy), rel=0.07)


def test_what_a_batch_costs_once_is_paid_less_often_when_there_is_a_crowd():
    cost = Cost(((1, 0.001), (10, 0.001)))
    quiet = simulate(10.0, cost, other=0.4, job=0.002, seconds=200.0)
    crowd = simulate(2_000.0, cost, other=0.4, job=0.002, seconds=200.0)
    assert quiet.share == pytest.approx(0.01, rel=0.1)
    assert 0.1 < crowd.share < 0.6
