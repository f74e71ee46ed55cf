"""Synapse's `/sync` of a user who receives everyone is answered for that user alone, anyone else in full."""

from __future__ import annotations

import _thread
import gc
import itertools
import random
import sys
import threading
import weakref

import pytest
from fakes import Api, Module, PresenceEventSource, Registry, finished, state, states, users_of
from synapse_presence_router import callers
from test_unit_ready import ASKED, OTHER_ROOM, POLICIES, ROOM, USERS
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

GOBBLER, ALICE, BOB, ANN = "@gobbler:example.org", "@alice:example.org", "@bob:example.org", "@ann:example.org"
MANY = [f"@all{number}:example.org" for number in range(40)]


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "presence.policy"


class Counting:
    """The engine, with its questions noted."""

    def __init__(self, core):
        self._core, self.asked = core, []

    def __getattr__(self, name):
        found = getattr(self._core, name)
        if name in ("route_only_for", "route_now", "route"):
            self.asked.append(name)
        return found


def counting(policy, *args, **kwargs):
    module = Module(policy, *args, **kwargs)
    module.router._core = Counting(module.router._core)
    return module


def told_all(module, users=MANY):
    """As before each `/sync`."""
    for user in users:
        assert module.asked_by_synapse(user) == "ALL"
    return module


def synced(module, user, batch):
    given = finished(module.sync(user, batch))
    assert len(given) == len(set(given))
    return set(given)


# It is the same.


@pytest.mark.parametrize("text", [*POLICIES, "all see all\nblock @u1\nblock @u2 from members of !ops\n"])
def test_it_is_that_users_part_of_the_whole(policy, text):
    rng = random.Random(text)
    api = Api(rooms={ROOM: [], OTHER_ROOM: [], "!any:example.org": [*USERS[:5], GOBBLER, ALICE]}, cache=True)
    module = counting(policy, api, text=text)
    compared = 0
    for _ in range(60):
        user, room = rng.choice(USERS), rng.choice([ROOM, OTHER_ROOM, "!any:example.org"])
        (api._store.leave if user in api._store.rooms[room] else api._store.join)(room, user)
        if rng.randrange(5) == 0:
            module.router._core.remove_users([rng.choice(USERS)])
        batch = states(*(rng.choice([*USERS, ALICE]) for _ in range(rng.choice([0, 1, 1, 2, 5, 30]))))
        for recipient in rng.sample(ASKED, 5):
            if module.asked_by_synapse(recipient) == "ALL":
                # Rooms read just now are known to both.
                whole = module.raw(batch)
                for same in (batch, list(batch), batch):
                    assert synced(module, recipient, same) == whole[recipient]
                    compared += 1
    assert bool(compared) == ("route_only_for" in module.router._core.asked)
    assert compared or module.interested(GOBBLER) != "ALL"


def test_what_the_engine_says_of_one_is_what_it_says_of_all(policy):
    module = Module(policy, text="all see all\nblock @u1\nblock users matching /@u[34]:.*/ from @u2\n")
    core = module.router._core
    core.add_users(USERS)
    for size in (0, 1, 2, 12):
        batch = states(*USERS[:size])
        senders = [one.user_id for one in batch]
        answer, withheld = core.route(batch)
        for user in USERS:
            received, kept_from = core.route_only_for(batch, senders, user)
            assert received == answer[user]
            assert received | set(kept_from) == set(batch) and not received & set(kept_from)
            assert set(kept_from) == {one for users, given in withheld if user in users for one in given}


# It is used, by Synapse alone.


def test_the_synapse_at_hand_is_known(policy):
    found = callers.Callers()
    assert found._passes_on is Registry.get_users_for_states.__code__
    assert found._takes_one is PresenceEventSource._filter_all_presence_updates_for_user.__code__


def test_a_sync_asks_for_one_and_anyone_else_for_all(policy):
    module = told_all(counting(policy, text=f"{', '.join(MANY)} see all\nblock @alice\n"))
    asked = module.router._core.asked
    batch = states(ALICE, BOB)
    for user in MANY:
        assert synced(module, user, batch) == {batch[1]}
    assert asked == ["route_only_for"] * len(MANY)
    asked.clear()
    assert finished(module.registry().get_users_for_states(batch)) == dict.fromkeys(MANY, {batch[1]})
    assert module.raw(batch) == dict.fromkeys(MANY, {batch[1]})
    assert set(asked) == {"route_now"}


def test_both_callbacks_one_after_the_other_by_hand(policy):
    module = Module(policy, text=f"{', '.join(MANY)} see all\n")
    for user in MANY:
        assert module.interested(user) == module.asked_by_synapse(user) == "ALL"
        batch = states(ALICE)
        assert module.raw(batch) == dict.fromkeys(MANY, set(batch))

    async def as_synapse_might(user_id):
        registry = module.registry()
        assert await registry.get_interested_users(user_id) == "ALL"
        return await registry.get_users_for_states(batch)

    async def _filter_all_presence_updates_for_user(user_id):
        return await module.router.get_users_for_states(batch)

    for ask in (as_synapse_might, _filter_all_presence_updates_for_user):
        assert finished(ask(MANY[0])) == dict.fromkeys(MANY, set(batch))


def test_whoever_wraps_a_callback_gets_the_whole(policy):
    module = counting(policy, text=f"{', '.join(MANY)} see all\n")
    seen = []

    async def wrapped(updates):
        seen.append(await inner(updates))
        return seen[-1]

    inner = module.router.get_users_for_states
    module.router.get_users_for_states = wrapped
    batch = states(ALICE)
    assert synced(module, MANY[0], batch) == set(batch)
    assert seen == [dict.fromkeys(MANY, set(batch))]


def test_a_list_of_callbacks_of_other_code_gets_the_whole(policy):
    module = told_all(counting(policy, text=f"{', '.join(MANY)} see all\n"))
    other = Inverts(None)
    other.register_presence_router_callbacks(
        get_users_for_states=module.router.get_users_for_states, get_interested_users=None
    )
    module.registry = lambda: other
    batch = states(ALICE)
    assert synced(module, MANY[0], batch) == set(batch)
    assert set(module.router._core.asked) == {"route_now"}


def test_whoever_is_no_code_of_pythons_gets_the_whole(policy):
    module = told_all(Module(policy, text=f"{', '.join(MANY)} see all\n"))
    answers, done = [], threading.Event()
    batch = states(ALICE)
    calls = map(module.router.get_users_for_states, [batch])
    # In this thread runs nothing of Python's but the callback itself.
    _thread.start_new_thread(answers.extend, (itertools.chain(calls, iter(done.set, None)),))
    assert done.wait(20)
    assert finished(answers[0]) == dict.fromkeys(MANY, set(batch))


def test_another_module_beside_ours(policy):
    module = Module(policy, text=f"{', '.join(MANY)} see all\n")
    beside = Module(policy, text=f"{', '.join(MANY[:2])} see all\n@other sees @alice\n")
    registry = module.registry()
    registry.register_presence_router_callbacks(
        get_users_for_states=beside.router.get_users_for_states,
        get_interested_users=beside.router.get_interested_users,
    )
    module.registry = lambda: registry
    batch = states(ALICE)
    assert synced(module, MANY[0], batch) == synced(module, MANY[30], batch) == set(batch)


# Whoever does not receive everyone by this policy.


def test_a_sync_that_a_reload_overtakes(policy):
    api = Api(rooms={"!any:example.org": [GOBBLER, ANN]})
    module = Module(policy, api, text="send all to @gobbler\n")
    assert module.asked_by_synapse(GOBBLER) == "ALL"
    assert module.reload("@ann sees @alice\n")[0]
    batch = states(ALICE, ANN)
    assert synced(module, GOBBLER, batch) == {batch[1]}


def test_a_user_of_whom_another_module_said_all(policy):
    module = Module(policy, text="send all to users matching /@g.*/\nsend @alice to @watcher\n")
    batch = states(ALICE, BOB)
    assert synced(module, "@watcher:example.org", batch) == {batch[0]}
    # Not known to this module: no more than the whole answer has.
    for user in ("@gone:example.org", "@nobody:example.org"):
        assert user not in module.raw(batch)
        with pytest.raises(KeyError):
            finished(module.sync(user, batch))


# Junk.


class Hashes:
    """A state that counts how often it is hashed, and may fail."""

    def __init__(self, user_id, fail=False):
        self.user_id, self.fail, self.hashed = user_id, fail, 0

    def __hash__(self):
        self.hashed += 1
        if self.fail:
            raise ValueError("no hash")
        return 7

    __eq__ = object.__eq__


def test_junk_among_the_states(policy):
    module = told_all(Module(policy, text=f"{', '.join(MANY)} see all\nblock @alice from {MANY[0]}\n"))
    good = state(BOB)
    junk = [object(), None, state(""), state(None), state(7), state("bob"), Hashes(BOB, fail=True), state("@\ud800:x")]
    for odd in junk:
        for batch in ([good, odd], [odd, good], [state(ALICE), odd, good]):
            assert synced(module, MANY[0], batch) == {good}
    assert synced(module, MANY[0], [good]) == {good}


def test_an_engine_that_fails(policy, caplog):
    module = Module(policy, text=f"{', '.join(MANY)} see all\n")
    assert module.interested(MANY[0]) == "ALL"

    class Broken:
        def __getattr__(self, name):
            raise RuntimeError("the presence engine failed")

    module.router._core = Broken()
    assert synced(module, MANY[0], states(BOB)) == set()


# What is kept.


def test_a_batch_is_hashed_once_for_all_who_receive_everyone(policy):
    module = told_all(Module(policy, text=f"{', '.join(MANY)} see all\n"))
    batch = [Hashes(BOB), Hashes(ANN)]
    for user in MANY:
        assert synced(module, user, batch) == set(batch)
        before = [one.hashed for one in batch]
    synced(module, MANY[0], batch)
    counted = [one.hashed - then for one, then in zip(batch, before, strict=True)]
    # Synapse's and this test's own sets take hashes from sets, so that none is computed but by `len(set(...))`.
    assert counted == [2, 2]


def test_what_is_done_to_an_answer_reaches_no_other(policy):
    module = Module(policy, text="send all to @gobbler\nblock @alice\n")
    core = module.router._core
    core.add_users([GOBBLER])
    batch = states(ALICE, BOB, ANN)
    senders = [one.user_id for one in batch]
    for spoil in (set.clear, set.pop, lambda given: given.add("intruder")):
        received, withheld = core.route_only_for(batch, senders, GOBBLER)
        assert received == set(batch[1:]) and withheld == batch[:1]
        spoil(received)
        withheld.clear()


def test_a_batch_that_changes_is_another(policy):
    module = Module(policy, text="send all to @gobbler\n")
    module.interested(GOBBLER)
    batch = states(ALICE, BOB)
    assert synced(module, GOBBLER, batch) == set(batch)
    batch[0] = state(ALICE)
    assert synced(module, GOBBLER, batch) == set(batch)
    batch.append(state(ANN))
    assert synced(module, GOBBLER, batch) == set(batch)
    del batch[1:]
    assert synced(module, GOBBLER, batch) == set(batch)


def test_a_large_batch_is_not_kept_alive(policy):
    module = Module(policy, text="send all to @gobbler\n")
    module.interested(GOBBLER)
    batch = states(*(f"@u{number}:example.org" for number in range(10_001)))
    seen = weakref.ref(batch[5])
    assert synced(module, GOBBLER, batch) == set(batch)
    del batch
    gc.collect()
    assert seen() is None


def test_a_sender_who_was_forgotten_is_known_again(policy):
    module = Module(policy, text="send all to @gobbler\nsend @ann to local users\n")
    module.interested(GOBBLER)
    batch = states(BOB)
    for _ in range(2):
        assert synced(module, GOBBLER, batch) == set(batch)
        assert BOB in module.route(ANN)
        module.router._core.remove_users([BOB])


# Waits.


def waiting(module):
    """Has the next looks at who is in which room wait."""
    looks: list[Deferred] = []

    def look(*_):
        looks.append(Deferred())
        return looks[-1]

    module.router._homeserver._rooms_for_user = look
    module.router._homeserver._rooms_for_users = None
    return looks


def test_room_mates_of_one_are_looked_for_and_of_nobody_else(policy):
    rooms = {"!any:example.org": [*MANY[:30], ALICE]}
    api = Api(rooms=rooms)
    module = told_all(Module(policy, api, text=f"{', '.join(MANY)} see all\nblock @alice\n"))
    batch = states(ALICE, BOB)
    assert synced(module, MANY[0], batch) == set(batch)
    assert {asked for _, asked in api._store.calls} == {ALICE, MANY[0]}
    assert synced(module, MANY[35], batch) == {batch[1]}


def test_syncs_that_wait_do_not_mix(policy):
    module = told_all(Module(policy, text=f"{', '.join(MANY)} see all\nblock @alice\n"))
    looks = waiting(module)
    batch = states(ALICE, BOB)
    results: dict[str, list] = {}
    for user in MANY[:3]:
        ensureDeferred(module.sync(user, batch)).addCallback(results.setdefault(user, []).extend)
        assert module.raw(states(BOB)).keys() == set(MANY)
    cancelled = ensureDeferred(module.sync(MANY[3], batch))
    failures = []
    cancelled.addErrback(failures.append)
    cancelled.cancel()
    for number in itertools.count():
        if number == len(looks):
            break
        looks[number].callback(frozenset(["!any:example.org"]))
    assert {user: set(given) for user, given in results.items()} == dict.fromkeys(MANY[:3], set(batch))
    assert [failure.type for failure in failures] == [CancelledError]
    assert module.raw(states(BOB)).keys() == set(MANY)


def test_threads(policy):
    module = told_all(Module(policy, text=f"{', '.join(MANY)} see all\nblock @alice from {MANY[0]}\n"))
    failures: list[BaseException] = []

    def ask(user):
        try:
            for _ in range(300):
                batch = states(ALICE, BOB)
                expected = set(batch[1:] if user == MANY[0] else batch)
                assert synced(module, user, batch) == expected
                assert module.raw(batch)[user] == expected
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(user,)) for user in MANY[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []


# A Synapse of which that is not known.


class TakesOne:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        updates = list((await self.get_presence_handler().current_state_for_users(["@x:y"])).values())
        answer = await self.get_presence_router().get_users_for_states(updates)
        return list(answer[user_id])


class TakesAll:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        answer = await self.get_presence_router().get_users_for_states(["state"])
        return [one for given in answer.values() for one in given]


class TakesMore:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        answer = await self.get_presence_router().get_users_for_states(["state"])
        return list(answer[user_id] | answer["@other:example.org"])


class TakesMoreOfAFullSync:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        answer = await self.get_presence_router().get_users_for_states(["state"])
        if from_key is None:
            len(answer)
        return list(answer[user_id])


class TakesMoreOfAnOldSync:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        hit = self.store.presence_stream_cache.get_all_entities_changed(7).hit
        answer = await self.get_presence_router().get_users_for_states(["state"])
        return list(answer[user_id]) if hit else list(answer.get(user_id))


class TakesMoreOfWhoIsOnline:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        answer = await self.get_presence_router().get_users_for_states(["state"])
        return list(answer[user_id]) if include_offline else list(dict(answer)[user_id])


class AsksElsewhere:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        return list((await self._ask(user_id))[user_id])

    async def _ask(self, user_id):
        return await self.get_presence_router().get_users_for_states(["state"])


class NamesTheUserElse:
    async def _filter_all_presence_updates_for_user(self, user, include_offline, from_key=None):
        return list((await self.get_presence_router().get_users_for_states(["state"]))[user])


class Renames:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        user, user_id = user_id, "@x:y"
        return list((await self.get_presence_router().get_users_for_states(["state"]))[user])


class Adds:
    async def _filter_all_presence_updates_for_user(self, user_id, include_offline, from_key=None):
        answer = await self.get_presence_router().get_users_for_states(["state"])
        return [*answer[user_id], "state"]


STRANGE = [
    TakesAll,
    TakesMore,
    TakesMoreOfAFullSync,
    TakesMoreOfAnOldSync,
    TakesMoreOfWhoIsOnline,
    AsksElsewhere,
    NamesTheUserElse,
    Renames,
    Adds,
    object,
    None,
]


@pytest.mark.parametrize("source", STRANGE, ids=lambda source: getattr(source, "__name__", "nothing"))
def test_a_sync_that_takes_anything_else_gets_the_whole(policy, monkeypatch, source):
    handler = sys.modules[callers.HANDLER]
    monkeypatch.setattr(handler, "PresenceEventSource", TakesOne)
    assert callers.Callers()._takes_one is TakesOne._filter_all_presence_updates_for_user.__code__
    monkeypatch.setattr(handler, "PresenceEventSource", source)
    assert callers.Callers()._takes_one is None
    module = counting(policy, text="send all to @gobbler\n")
    monkeypatch.undo()
    batch = states(BOB)
    assert synced(module, GOBBLER, batch) == set(batch)
    assert "route_only_for" not in module.router._core.asked


class PassesOnLess:
    def __init__(self, _):
        self.callbacks = []

    def register_presence_router_callbacks(self, *, get_users_for_states, get_interested_users):
        self.callbacks.append(get_users_for_states)

    async def get_interested_users(self, user_id):
        return set()

    async def get_users_for_states(self, updates):
        return await self.callbacks[0](updates)


class Inverts(PassesOnLess):
    async def get_users_for_states(self, updates):
        answer = {}
        for callback in self.callbacks:
            for user, given in (await callback(updates)).items():
                answer.setdefault(user, set()).update(given)
        return dict.fromkeys(answer, set().union(*answer.values()))


class AsksInAnotherPlace(PassesOnLess):
    async def get_users_for_states(self, updates):
        answer = {}
        for callback in self.callbacks:
            for user, given in (await self._ask(callback, updates)).items():
                answer.setdefault(user, set()).update(given)
        return answer

    async def _ask(self, callback, updates):
        return await callback(updates)


@pytest.mark.parametrize("registry", [PassesOnLess, Inverts, AsksInAnotherPlace, object, None])
def test_a_list_of_callbacks_that_does_anything_else_gets_the_whole(monkeypatch, registry):
    monkeypatch.setattr(sys.modules[callers.REGISTRY], "PresenceRouter", registry)
    assert callers.Callers()._passes_on is None


def test_answers_by_hand_are_whole_where_there_is_no_synapse(policy, monkeypatch):
    monkeypatch.delitem(sys.modules, callers.HANDLER)
    module = counting(policy, text=f"{', '.join(MANY)} see all\n")
    monkeypatch.undo()
    batch = states(BOB)
    assert synced(module, MANY[0], batch) == set(batch)
    assert users_of(module.raw(batch)) == dict.fromkeys(MANY, {BOB})
    assert "route_only_for" not in module.router._core.asked
