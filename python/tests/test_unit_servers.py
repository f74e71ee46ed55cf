"""Synapse's federation is told of one user of each server, anyone else of all."""

from __future__ import annotations

import random
import sys

import pytest
from fakes import Api, Module, Source, finished, get_interested_remotes, states
from synapse_presence_router import callers
from test_unit_one import Hashes, waiting
from test_unit_ready import OTHER_ROOM, POLICIES, ROOM, USERS
from twisted.internet.defer import ensureDeferred

ALICE, BOB = "@alice:example.org", "@bob:example.org"
REMOTES = [f"@r{number}:server{number % 3}.org" for number in range(30)]


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "presence.policy"


def by_server(users_for_states):
    told = {}
    for user, given in users_for_states.items():
        if given:
            told.setdefault(user.partition(":")[2], set()).update(given)
    return told


@pytest.mark.parametrize("text", POLICIES)
def test_every_server_is_told_what_it_would_be_by_all_its_users(policy, text):
    rng = random.Random(text)
    api = Api(rooms={ROOM: [], OTHER_ROOM: []}, cache=True)
    module = Module(policy, api, text=text)
    for _ in range(40):
        user, room = rng.choice(USERS), rng.choice([ROOM, OTHER_ROOM])
        (api._store.leave if user in api._store.rooms[room] else api._store.join)(room, user)
        batch = states(*(rng.choice(USERS) for _ in range(rng.choice([0, 1, 2, 5]))))
        # Rooms are read first by this one and by that.
        ask = [lambda b=batch: finished(module.told_servers(b)), lambda b=batch: by_server(module.raw(b))]
        rng.shuffle(ask)
        first, second = (question() for question in ask)
        assert first == second


def test_a_server_is_named_once(policy):
    module = Module(policy, text=f"send all to {', '.join(REMOTES)}\nblock @alice from {', '.join(REMOTES[::3])}\n")
    batch = states(ALICE, BOB)
    told = finished(module.told_servers(batch))
    everything = set(batch)
    assert told == {"server0.org": {batch[1]}, "server1.org": everything, "server2.org": everything}
    assert len([servers for servers, _ in module.entries if servers]) == 3
    finished(module.told_servers(batch[:1]))
    assert {server for servers, _ in module.entries for server in servers} == {"server1.org", "server2.org"}
    assert module.raw(batch).keys() == set(REMOTES)
    assert finished(module.registry().get_users_for_states(batch)).keys() == set(REMOTES)


def test_users_of_one_server_who_differ_are_added_up(policy):
    module = Module(
        policy, text="send @alice to @a:r.org, @c:r.org\nsend @bob to @b:r.org, @c:r.org\n@d:r.org sees @x\n"
    )
    batch = states(ALICE, BOB)
    for _ in range(3):
        assert finished(module.told_servers(batch)) == {"r.org": set(batch)}
        assert len([servers for servers, given in module.entries if servers and given]) == 1
        assert module.raw(batch) == {"@a:r.org": {batch[0]}, "@b:r.org": {batch[1]}, "@c:r.org": set(batch)}


def test_what_synapse_does_with_it_reaches_no_other(policy):
    module = Module(policy, text=f"send all to {', '.join(REMOTES)}\n")
    batch = states(ALICE, BOB)
    for _ in range(3):
        finished(module.told_servers(batch))
        for _, given in module.entries:
            given.clear()
        assert module.raw(batch) == dict.fromkeys(REMOTES, set(batch))


def test_an_answer_that_waits(policy):
    module = Module(policy, text=f"{', '.join(REMOTES)}, @gobbler see all\nblock @alice\n")
    looks = waiting(module)
    batch = states(ALICE, BOB)
    results: list[dict] = []
    ensureDeferred(module.told_servers(batch)).addCallback(results.append)
    assert not results
    while looks:
        looks.pop(0).callback(frozenset())
    everything = {"example.org", "server0.org", "server1.org", "server2.org"}
    assert results == [dict.fromkeys(everything, {batch[1]})]
    assert len(module.entries) == len(everything) + len(batch)


class Differs(Hashes):
    """A state that fails when it is compared."""

    comparable = True

    def __eq__(self, other):
        if not self.comparable:
            raise ValueError("no comparison")
        return self is other

    __hash__ = Hashes.__hash__


def test_states_that_cannot_be_added_up(policy, caplog):
    module = Module(policy, text="send @alice to @a:r.org\nsend @bob to @b:r.org\n")
    batch = [Differs(ALICE), Differs(BOB)]

    async def registry_asks(inner=module.router._whole):
        whole = await inner(batch, [ALICE, BOB], True)
        Differs.comparable = False
        return whole

    module.router._whole = lambda *_: registry_asks()
    try:
        registry = module.registry()
        entries = finished(get_interested_remotes(Source(registry, batch), registry, batch))
    finally:
        Differs.comparable = True
    assert [given for servers, given in entries if servers] == [{batch[0]}, {batch[1]}]
    assert "not one of each server" in caplog.text


# A Synapse of which that is not known.


async def names_users(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return [([user], given) for user, given in answer.items()]


async def counts_users(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return [*(([user.partition(":")[2]], given) for user, given in answer.items()), ([str(len(answer))], {1})]


async def tells_users(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    for user in answer:
        store.tell(user)
    return await get_interested_remotes(store, router, updates, excluded_rooms)


async def takes_the_last(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    return list({user.partition(":")[2]: ([user.partition(":")[2]], given) for user, given in answer.items()}.values())


async def needs_many(store, router, updates, excluded_rooms=frozenset()):
    answer = await router.get_users_for_states(updates)
    entries = [([user.partition(":")[2]], given) for user, given in answer.items()]
    return [*entries, (["room"], updates)] if len(answer) > 3 else []


async def is_a_dict(store, router, updates, excluded_rooms=frozenset()):
    return {"one": {1, 2, 3}}


@pytest.mark.parametrize(
    "other", [names_users, counts_users, tells_users, takes_the_last, needs_many, is_a_dict, object, None]
)
def test_a_federation_of_which_that_is_not_known_is_told_of_all(policy, monkeypatch, other):
    assert callers.Callers()._tells_servers is get_interested_remotes.__code__
    monkeypatch.setattr(sys.modules[callers.HANDLER], "get_interested_remotes", other)
    assert callers.Callers()._tells_servers is None
    module = Module(policy, text=f"send all to {', '.join(REMOTES)}\n")
    monkeypatch.undo()
    batch = states(ALICE)
    assert finished(module.told_servers(batch)).keys() == {user.partition(":")[2] for user in REMOTES}
    assert len(module.entries) == len(REMOTES) + len(batch)
