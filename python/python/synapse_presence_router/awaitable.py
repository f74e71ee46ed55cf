"""Awaitables that are finished when they are handed out, as far as that can be.

Synapse awaits what a callback returns. A coroutine costs it 5 us even if there is nothing to wait
for; an object whose ``__await__`` is already at its end costs 1-2 us.

Not for: asyncio. Synapse runs on Twisted, and what is awaited here are Twisted's Deferreds.
"""

from __future__ import annotations

import types
from typing import Any, Awaitable, Coroutine, Generator, Generic, TypeVar

T = TypeVar("T")


class Finished(Generic[T]):
    """An awaitable that has its result. It may be awaited any number of times."""

    __slots__ = ("_result",)

    def __init__(self, result: T) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, Any, T]:
        return self._result
        yield  # what makes this a generator

    def __repr__(self) -> str:
        return f"<Finished {self._result!r}>"


def begin(work: Coroutine[Any, Any, T]) -> Awaitable[T]:
    """Runs ``work`` to its first real wait.

    Returns a `Finished` if there was none (Synapse's caches answer with Deferreds that have already
    fired), else a coroutine for the rest. What ``work`` raises is raised here, or from the coroutine.
    """
    try:
        waited_for = work.send(None)
    except StopIteration as end:
        return Finished(end.value)
    return _rest(work, waited_for)


async def _rest(work: Coroutine[Any, Any, T], waited_for: Any) -> T:
    return await _go_on(work, waited_for)


@types.coroutine
def _go_on(work: Coroutine[Any, Any, T], waited_for: Any) -> Generator[Any, Any, T]:
    """``yield from work``, where the first step has been taken."""
    while True:
        try:
            try:
                value = yield waited_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                waited_for = work.throw(error)
            else:
                waited_for = work.send(value)
        except StopIteration as end:
            result: T = end.value
            return result
