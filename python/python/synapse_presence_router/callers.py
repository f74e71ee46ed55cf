"""Which code of Synapse's asks us, and what it does with what it gets.

A set that may be handed out again need not be copied. Of a `set` nothing but a look at every member tells
that nobody changed it; but it need not be looked at if whoever gets it only reads it and lets go of it, as
Synapse's list of callbacks does. Whether the Synapse at hand does is found out when the module starts, by
having it ask, and that it is this code that asks is told by the frame of each call.

Law: what is not known for certain is not so. Anyone else is given what is theirs to keep and to change.
"""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

from .awaitable import Finished

REGISTRY = "synapse.events.presence_router"


def code_that_only_reads() -> CodeType | None:
    """The code that asks `get_interested_users` for Synapse, if it leaves a set it gets as it is.

    None if there is no Synapse, or if that cannot be told.
    """
    try:
        # Where Synapse runs it has been imported.
        registry = sys.modules[REGISTRY].PresenceRouter
        code: CodeType = registry.get_interested_users.__code__
        alone, together = [_Given("a")], [_Given("b"), _Given("c")]
        only_reads = all(_only_reads(registry, code, given) for given in (alone, together))
        return code if only_reads else None
    except Exception:
        return None


class _Given:
    """A callback that hands out one set, and sees by whom it is asked and what becomes of the set."""

    def __init__(self, name: str) -> None:
        self.mine = {f"@{name}:example.org", f"@{name}:example.com"}
        self.members = frozenset(self.mine)
        self.finished = Finished(self.mine)
        self.holders = sys.getrefcount(self.mine)
        self.asked_by: list[Any] = []

    async def no_updates(self, states: Any) -> dict[str, set[Any]]:
        return {}

    def interested(self, user_id: str) -> Finished[set[str]]:
        self.asked_by.append(sys._getframe(1).f_code)
        return self.finished


def _only_reads(registry: Any, code: CodeType, given: list[_Given]) -> bool:
    asking = registry(None)
    for one in given:
        asking.register_presence_router_callbacks(
            get_users_for_states=one.no_updates, get_interested_users=one.interested
        )
    try:
        asking.get_interested_users("@probe:example.org").send(None)
    except StopIteration:
        # Its result is still held, and is one more holder if it is the set itself.
        return all(
            one.asked_by == [code] and one.mine == one.members and sys.getrefcount(one.mine) == one.holders
            for one in given
        )
    return False
