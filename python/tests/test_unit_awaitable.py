"""The awaitables that the callbacks return."""

from __future__ import annotations

import inspect

import pytest
from fakes import finished
from synapse_presence_router.awaitable import Finished, begin

defer = pytest.importorskip("twisted.internet.defer", reason="Twisted is not installed")


def test_finished():
    value = object()
    awaitable = Finished(value)
    assert inspect.isawaitable(awaitable)
    assert finished(awaitable) is value and finished(awaitable) is value


def test_what_does_not_wait_is_finished_at_once():
    async def inner():
        return await defer.succeed(1)

    async def work():
        return await inner() + await Finished(2)

    awaitable = begin(work())
    assert isinstance(awaitable, Finished) and finished(awaitable) == 3


def test_what_waits_goes_on_later_however_often():
    waits = [defer.Deferred() for _ in range(3)]

    async def work():
        return [await wait for wait in waits]

    awaitable = begin(work())
    assert inspect.iscoroutine(awaitable)
    results: list[object] = []
    defer.ensureDeferred(awaitable).addBoth(results.append)
    for number, wait in enumerate(waits):
        assert results == []
        wait.callback(number)
    assert results == [[0, 1, 2]]


def test_failures_reach_the_work_and_leave_it():
    wait = defer.Deferred()

    async def survives():
        try:
            await wait
        except ValueError as error:
            return f"survived {error}"

    results: list[object] = []
    defer.ensureDeferred(begin(survives())).addBoth(results.append)
    wait.errback(ValueError("it"))
    assert results == ["survived it"]

    wait2 = defer.Deferred()

    async def fails():
        await wait2
        raise KeyError("lost")

    defer.ensureDeferred(begin(fails())).addErrback(lambda failure: results.append(failure.type))
    wait2.callback(None)
    assert results[1:] == [KeyError]

    async def fails_at_once():
        raise KeyError("lost")

    with pytest.raises(KeyError):
        begin(fails_at_once())


def test_a_rest_that_nobody_awaits_is_closed():
    closed = []

    async def work():
        try:
            await defer.Deferred()
        finally:
            closed.append(True)

    rest = begin(work())
    rest.send(None)
    rest.close()
    assert closed == [True]


def test_cancelling_reaches_the_work():
    wait = defer.Deferred()
    seen = []

    async def work():
        try:
            await wait
        except defer.CancelledError:
            seen.append("cancelled")
            raise

    deferred = defer.ensureDeferred(begin(work()))
    deferred.addErrback(lambda failure: seen.append(failure.type))
    deferred.cancel()
    assert seen == ["cancelled", defer.CancelledError]
