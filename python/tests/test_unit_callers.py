"""Sets of senders: anyone's own to change, and one for all of Synapse's calls, if Synapse only reads it."""

from __future__ import annotations

import _thread
import gc
import itertools
import sys
import threading
import weakref

import pytest
from fakes import Module, Registry, finished
from synapse_presence_router import PresenceRouter, callers

WATCHER, INTRUDER = "@watcher:example.org", "@intruder:example.org"
SIZES = [1, 2, 5, 128, 129, 1000]

CHANGES = {
    "add": lambda given: given.add(INTRUDER),
    "clear": lambda given: given.clear(),
    "difference_update": lambda given: given.difference_update(list(given)[:1]),
    "discard": lambda given: given.discard(next(iter(given))),
    "intersection_update": lambda given: given.intersection_update([INTRUDER]),
    "pop": lambda given: given.pop(),
    "remove": lambda given: given.remove(max(given)),
    "symmetric_difference_update": lambda given: given.symmetric_difference_update([INTRUDER, max(given)]),
    "update": lambda given: given.update([INTRUDER]),
    "|=": lambda given: given.__ior__({INTRUDER}),
    "&=": lambda given: given.__iand__({INTRUDER}),
    "-=": lambda given: given.__isub__(set(given)),
    "^=": lambda given: given.__ixor__(set(given)),
    "__init__": lambda given: given.__init__([INTRUDER]),
    "one for another": lambda given: (given.remove(max(given)), given.add(INTRUDER)),
    "all for others": lambda given: given.__init__([f"@x{number}:example.org" for number in range(len(given))]),
}


@pytest.fixture
def policy(tmp_path):
    return tmp_path / "presence.policy"


def users(size):
    return {f"@s{number}:example.org" for number in range(size)}


def watching(policy, size, watcher=WATCHER):
    return Module(policy, text=f"{watcher} sees {', '.join(sorted(users(size)))}\n")


def only_reads(router):
    """Asks as code of which the module knows that it only reads what it gets."""
    return router.get_interested_users(WATCHER)


def known_to_read(module):
    module.router._only_reads = only_reads.__code__
    return module


# Anyone's own.


def test_every_method_that_changes_a_set_is_tried():
    reading = {"copy", "difference", "intersection", "isdisjoint", "issubset", "issuperset"}
    reading |= {"symmetric_difference", "union"}
    methods = {name for name in dir(set) if not name.startswith("_")} - reading
    assert methods <= set(CHANGES)
    assert {name for name in dir(set) if name.startswith("__i") and hasattr(set, name.replace("__i", "__", 1))} == {
        "__iand__",
        "__ior__",
        "__isub__",
        "__ixor__",
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("hold", [False, True], ids=["let go", "held"])
def test_what_is_done_to_a_set_reaches_no_other(policy, size, change, hold):
    module = watching(policy, size)
    right = users(size)
    held = []
    for _ in range(4):
        given = module.interested(WATCHER)
        change(given)
        held += [(given, set(given))] * hold
        del given
        untouched, given = module.interested(WATCHER), module.interested(WATCHER)
        assert type(given) is set and given == right and given is not untouched
        change(given)
        assert given != right
        assert untouched == right
        held += [(given, set(given)), (untouched, right)] * hold
        del given, untouched
        assert module.asked_by_synapse(WATCHER) == right
    for given, expected in held:
        assert given == expected


def test_what_is_done_to_what_synapse_made_of_it_reaches_no_other(policy):
    module = watching(policy, 1000)
    for change in CHANGES.values():
        made = module.asked_by_synapse(WATCHER)
        assert type(made) is set and made == users(1000)
        change(made)
        assert module.interested(WATCHER) == users(1000)


def test_one_answer_awaited_twice_is_one_answer(policy):
    module = watching(policy, 200)
    answer = module.router.get_interested_users(WATCHER)
    assert finished(answer) is finished(answer)
    finished(answer).clear()
    assert module.interested(WATCHER) == users(200)


def test_a_set_of_ones_own_may_be_in_a_cycle(policy):
    class Holder:
        pass

    module = watching(policy, 200)
    holder = Holder()
    holder.given = module.interested(WATCHER)
    holder.given.add(holder)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None
    assert module.interested(WATCHER) == users(200)


def test_whoever_is_no_code_of_pythons_is_anyone(policy):
    module = watching(policy, 200)
    answers, done = [], threading.Event()
    calls = map(module.router.get_interested_users, [WATCHER, WATCHER])
    # In this thread runs nothing of Python's but the callback itself.
    _thread.start_new_thread(answers.extend, (itertools.chain(calls, iter(done.set, None)),))
    assert done.wait(20)
    first, second = map(finished, answers)
    assert first == second == users(200) and first is not second


# One for all of Synapse's calls.


def test_the_synapse_at_hand_only_reads():
    assert callers.Callers().only_reads is Registry.get_interested_users.__code__


def test_synapse_is_given_one_set_again_and_again(policy):
    module = watching(policy, 200)
    module.asked_by_synapse(WATCHER)
    results = []

    def watch(frame, event, result):
        if event == "return" and frame.f_code is PresenceRouter.get_interested_users.__code__:
            results.append(result)

    for ask in (module.asked_by_synapse, module.interested, module.asked_by_synapse):
        sys.setprofile(watch)
        try:
            ask(WATCHER)
        finally:
            sys.setprofile(None)
    first, anyones, second = results
    assert first is second and finished(first) == users(200)
    assert finished(anyones) is not finished(first)


@pytest.mark.parametrize("size", [0, *SIZES])
def test_whoever_only_reads_is_given_one_set_as_long_as_it_is_true(policy, size):
    module = known_to_read(watching(policy, size) if size else Module(policy, text=""))
    given = finished(only_reads(module.router))
    assert type(given) is set and given == users(size)
    number = id(given)
    del given
    assert id(finished(only_reads(module.router))) == number
    module.reload(f"{WATCHER} sees @other\n")
    assert finished(only_reads(module.router)) == {"@other:example.org"}


def test_a_set_that_is_held_is_not_handed_out_again(policy):
    module = known_to_read(watching(policy, 200))
    first = finished(only_reads(module.router))
    second = finished(only_reads(module.router))
    assert first == second == users(200) and first is not second
    first.remove(max(first))
    first.add(INTRUDER)
    assert second == users(200)


def test_a_set_of_another_size_is_not_handed_out_again(policy):
    module = known_to_read(watching(policy, 200))
    for change in (lambda given: given.add(INTRUDER), lambda given: given.pop(), lambda given: given.clear()):
        given = finished(only_reads(module.router))
        change(given)
        del given
        assert finished(only_reads(module.router)) == users(200) == module.interested(WATCHER)


def test_what_is_kept_goes_with_the_module(policy):
    module = known_to_read(watching(policy, 200))
    gone = weakref.ref(finished(only_reads(module.router)))
    assert gone() is not None
    del module
    gc.collect()
    assert gone() is None


# A Synapse of which that is not known.


class Registered:
    """As Synapse's list of callbacks, less what it does with the sets."""

    def __init__(self, _):
        self.callbacks = []

    def register_presence_router_callbacks(self, *, get_users_for_states, get_interested_users):
        self.callbacks.append(get_interested_users)


class Reads(Registered):
    async def get_interested_users(self, user_id):
        found = set()
        for callback in self.callbacks:
            found.update(await callback(user_id))
        return found


class HandsOn(Registered):
    async def get_interested_users(self, user_id):
        found = set()
        for callback in self.callbacks:
            given = await callback(user_id)
            if len(self.callbacks) == 1:
                return given
            found.update(given)
        return found


class Adds(Registered):
    async def get_interested_users(self, user_id):
        found = await self.callbacks[0](user_id)
        for callback in self.callbacks[1:]:
            found.update(await callback(user_id))
        return set(found)


class Swaps(Registered):
    async def get_interested_users(self, user_id):
        found = set()
        for callback in self.callbacks:
            given = await callback(user_id)
            found.update(given)
            given.add(given.pop() + ".example")
        return found


class Keeps(Registered):
    kept: list = []

    async def get_interested_users(self, user_id):
        found = set()
        for callback in self.callbacks:
            given = await callback(user_id)
            self.kept.append(given)
            found.update(given)
        return found


class AsksElsewhere(Registered):
    async def get_interested_users(self, user_id):
        return {user for callback in self.callbacks for user in await self.ask(callback, user_id)}

    async def ask(self, callback, user_id):
        return await callback(user_id)


class AsksTwice(Registered):
    async def get_interested_users(self, user_id):
        found = set()
        for callback in [*self.callbacks, *self.callbacks]:
            found.update(await callback(user_id))
        return found


class Waits(Registered):
    async def get_interested_users(self, user_id):
        found = set()
        for callback in self.callbacks:
            given = await callback(user_id)
            found.update(given)
            del given
        await Later()
        return found


class Later:
    def __await__(self):
        yield None


class Fails(Registered):
    async def get_interested_users(self, user_id):
        raise ValueError("no users today")


class Plain(Registered):
    def get_interested_users(self, user_id):
        return set()


def test_one_that_only_reads_is_found(monkeypatch):
    monkeypatch.setattr(sys.modules[callers.REGISTRY], "PresenceRouter", Reads)
    assert callers.Callers().only_reads is Reads.get_interested_users.__code__


@pytest.mark.parametrize(
    "registry",
    [HandsOn, Adds, Swaps, Keeps, AsksElsewhere, AsksTwice, Waits, Fails, Plain, object, None],
)
def test_a_synapse_that_does_anything_else_is_anyone(policy, monkeypatch, registry):
    monkeypatch.setattr(sys.modules[callers.REGISTRY], "PresenceRouter", registry)
    assert callers.Callers().only_reads is None
    module = watching(policy, 200)
    monkeypatch.undo()
    assert module.router._only_reads is None
    assert module.asked_by_synapse(WATCHER) == users(200)


def test_where_there_is_no_synapse_everyone_is_anyone(monkeypatch):
    monkeypatch.delitem(sys.modules, callers.REGISTRY)
    assert callers.Callers().only_reads is None


# Threads.


def test_threads_that_change_theirs_while_synapse_reads(policy):
    module = watching(policy, 300)
    right = users(300)
    failures: list[BaseException] = []
    stop = threading.Event()

    def spoil():
        try:
            while not stop.is_set():
                for change in CHANGES.values():
                    given = module.interested(WATCHER)
                    assert given == right
                    change(given)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=spoil) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(300):
        module.router._core.add_users([f"@new{number}:example.org"])
        assert module.asked_by_synapse(WATCHER) == right
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []
