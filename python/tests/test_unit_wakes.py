"""Synapse is told to wake who gets something, and whoever shares a room as ever; anyone else is told of all."""

from __future__ import annotations

import random
import sys

import pytest
from fakes import Api, Module, Source, finished, states
from synapse.handlers.presence import get_interested_parties
from synapse_presence_router import callers
from test_unit_one import MANY, waiting
from test_unit_ready import OTHER_ROOM, POLICIES, ROOM, USERS
from twisted.internet.defer import ensureDeferred

ALICE, BOB = "@alice:example.org", "@bob:example.org"


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "presence.policy"


def woken(module, batch):
    """Whom Synapse's own code would wake, with what; the senders themselves, whom it always wakes, left out."""
    registry = module.registry()

    async def ask():
        _, users = await get_interested_parties(Source(registry, []), registry, batch)
        own = {one.user_id: [each for each in batch if each.user_id == one.user_id] for one in batch}
        found = {user: list(given) for user, given in users.items()}
        for user, first in own.items():
            assert found[user][: len(first)] == first
            del found[user][: len(first)]
        return {user: set(given) for user, given in found.items() if given or user not in own}

    return ask()


@pytest.mark.parametrize("text", POLICIES)
def test_it_is_everyone_who_gets_anything(policy, text):
    rng = random.Random(text)
    api = Api(rooms={ROOM: [], OTHER_ROOM: [], "!any:example.org": USERS[:6]}, cache=True)
    module = Module(policy, api, text=text)
    for _ in range(40):
        user, room = rng.choice(USERS), rng.choice([ROOM, OTHER_ROOM])
        (api._store.leave if user in api._store.rooms[room] else api._store.join)(room, user)
        module.interested(rng.choice(USERS))
        batch = states(*(rng.choice(USERS) for _ in range(rng.choice([1, 1, 2, 5]))))
        ask = [lambda b=batch: finished(woken(module, b)), lambda b=batch: module.raw(b)]
        rng.shuffle(ask)
        first, second = ({user: given for user, given in question().items() if given} for question in ask)
        assert first == second


def test_whoever_gets_nothing_sleeps_on_and_is_a_key_for_anyone_else(policy):
    api = Api(rooms={"!any:example.org": [MANY[0], ALICE]})
    module = Module(policy, api, text=f"{', '.join(MANY)} see all\nblock @alice\nblock @bob from {MANY[1]}\n")
    alice, bob = states(ALICE, BOB)
    for _ in range(3):
        assert finished(woken(module, [alice])) == {MANY[0]: {alice}}
        assert finished(woken(module, [bob])).keys() == set(MANY) - {MANY[1]}
        assert finished(woken(module, [alice, bob])).keys() == set(MANY) - {MANY[1]}
        assert module.raw([alice]) == {user: {alice} if user == MANY[0] else set() for user in MANY}
        assert finished(module.registry().get_users_for_states([alice])).keys() == set(MANY)


def test_it_is_so_of_an_answer_that_waits(policy):
    module = Module(policy, text=f"{', '.join(MANY)} see all\nblock @alice\nmembers of {ROOM} see @x\n")
    rooms = waiting(module)
    batch = states(ALICE, BOB)
    results: list[dict] = []
    for _ in range(2):
        ensureDeferred(woken(module, batch[:1])).addCallback(results.append)
        ensureDeferred(woken(module, batch)).addCallback(results.append)
    while rooms:
        rooms.pop(0).callback(frozenset())
    assert results == [{}, dict.fromkeys(MANY, {batch[1]})] * 2


def test_whoever_is_owed_a_key_is_not_woken_either(policy):
    module = Module(policy, text="send all to @gobbler\n")
    assert module.interested("@gobbler:example.org") == "ALL"
    module.reload("@ann sees @alice\n")
    batch = states(ALICE)
    assert finished(woken(module, batch)) == {"@ann:example.org": set(batch)}
    assert module.raw(batch).keys() == {"@ann:example.org", "@gobbler:example.org"}


# A Synapse of which that is not known.


async def needs_all(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return {"!room": updates}, {updates[0].user_id: updates, "@c:one": answer["@c:one"], **answer}


async def tells_how_many(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return {"!room": updates}, {updates[0].user_id: [len(answer)], **answer}


async def tells_who_gets_nothing(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return {"!room": updates}, {updates[0].user_id: updates, **{user: given or {0} for user, given in answer.items()}}


async def loses_one(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return {"!room": updates}, {updates[0].user_id: updates, **dict.fromkeys(answer, {2})}


async def tells_of_another_room(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return {"!room": updates, "!other": updates}, {updates[0].user_id: updates, **answer}


OTHERS = [needs_all, tells_how_many, tells_who_gets_nothing, loses_one, tells_of_another_room, object, None]


@pytest.mark.parametrize("other", OTHERS)
def test_a_notifier_of_which_that_is_not_known_is_told_of_all(policy, monkeypatch, other):
    assert callers.Callers()._wakes is get_interested_parties.__code__
    monkeypatch.setattr(sys.modules[callers.HANDLER], "get_interested_parties", other)
    assert callers.Callers()._wakes is None
    module = Module(policy, text=f"{', '.join(MANY)} see all\nblock @alice\n")
    monkeypatch.undo()
    assert finished(woken(module, states(ALICE))) == dict.fromkeys(MANY, set())
