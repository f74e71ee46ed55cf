"""Whatever is thrown at the callbacks: no exception, no wrong type, the "ALL" users still keys."""

from __future__ import annotations

import random
import threading
from types import SimpleNamespace

import pytest
from fakes import Api, Module, finished, state, states, users_of

GOBBLER, BOB = "@gobbler:example.org", "@bob:example.org"


class Hostile:
    @property
    def user_id(self):
        raise ValueError("no user here")


class HostileHash:
    user_id = BOB

    def __hash__(self):
        raise ValueError("no hash")


class CallsBack:
    """Calls the module while the module hashes it."""

    user_id = BOB

    def __init__(self, module):
        self.module = module

    def __hash__(self):
        finished(self.module.router.get_interested_users(BOB))
        finished(self.module.router.get_users_for_states([]))
        return 7


class Str(str):
    pass


JUNK = [
    None,
    1,
    object(),
    "@bob:example.org",
    [],
    {},
    SimpleNamespace(),
    SimpleNamespace(user_id=BOB),  # not hashable
    Hostile(),
    HostileHash(),
]


@pytest.fixture(params=["no rooms", "rooms"])
def module(request, tmp_path):
    text = "send all to @gobbler\nblock @alice\n@watcher sees @bob\n"
    if request.param == "rooms":
        text += "members of !ops:example.org see members of #ops\n"
    api = Api(rooms={"!ops:example.org": [GOBBLER, BOB]})
    api.aliases["#ops:example.org"] = "!ops:example.org"
    return Module(tmp_path / "p.policy", api, text=text)


def check(answer):
    assert type(answer) is dict
    assert GOBBLER in answer
    for key, given in answer.items():
        assert type(key) is str and key.startswith("@") and ":" in key and type(given) is set


@pytest.mark.parametrize(
    "batch",
    [None, 1, object(), "a text", b"bytes", {"a": 1}, JUNK, [[]], (None,), iter([1]), (x for x in JUNK)],
    ids=lambda batch: type(batch).__name__,
)
def test_junk_for_a_batch(module, batch):
    answer = module.raw(batch)
    check(answer)
    assert answer[GOBBLER] == set()


def test_junk_among_good_ones(module):
    good = state(BOB)
    answer = module.raw([*JUNK, good, *JUNK])
    check(answer)
    assert answer[GOBBLER] == {good} == answer["@watcher:example.org"]


def test_an_iterator_that_fails_midway(module):
    def batch():
        yield state(BOB)
        raise RuntimeError("half way")

    answer = module.raw(batch())
    check(answer)
    assert answer[GOBBLER] == set()


BAD_IDS = [
    "",
    "@",
    "bob",
    "@bob",
    "@a\0b:x.org",
    "@\ud800:x.org",
    "@bob:\ud800",
    "@" * 1000,
    Str("@s:example.org"),
    None,
    1,
    b"@b:c",
]


@pytest.mark.parametrize("user", BAD_IDS, ids=repr)
def test_junk_for_a_user(module, user):
    for _ in range(2):
        answer = module.interested(user)
        assert answer == set() and type(answer) is set
    check(module.raw([SimpleHashable(user)]))


class SimpleHashable:
    def __init__(self, user_id):
        self.user_id = user_id


def test_an_object_that_calls_back_while_it_is_hashed(module):
    answer = module.raw([CallsBack(module), state(BOB)])
    check(answer)
    assert len(answer[GOBBLER]) == 2


def test_random_junk(module):
    rng = random.Random(7)
    for _ in range(2000):
        batch = [
            rng.choice([*JUNK, state(rng.choice([BOB, "@x:y", "", "@\ud800:z"])), SimpleHashable(rng.choice(BAD_IDS))])
            for _ in range(rng.randrange(5))
        ]
        check(module.raw(batch))
        answer = module.interested(rng.choice([*BAD_IDS, BOB, *JUNK]))
        assert type(answer) is set


def test_an_engine_that_fails_keeps_the_keys_and_complains_once(module, caplog):
    assert module.interested(GOBBLER) == "ALL"

    class Broken:
        def __getattr__(self, name):
            raise RuntimeError("the presence engine failed")

    module.router._core = Broken()
    for _ in range(50):
        assert module.raw(states(BOB)) == {GOBBLER: set()}
        assert module.interested(BOB) == set()
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 2


def test_an_engine_that_fails_behind_a_wait(module, caplog):
    assert module.interested(GOBBLER) == "ALL"

    async def fails():
        raise RuntimeError("no members")

    module.router._facts.bring_members = fails
    module.router._core = WithRooms(module.router._core)
    for _ in range(3):
        assert module.raw(states(BOB)) == {GOBBLER: set()}
        assert module.interested(BOB) == set()
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 2


class WithRooms:
    def __init__(self, core):
        self._core = core

    def rooms(self):
        return 1, ("!ops:example.org",)

    def route_now(self, states, senders):
        return None

    def interested_now(self, user):
        return None

    def __getattr__(self, name):
        return getattr(self._core, name)


def test_a_log_handler_that_fails_is_no_exception_either(module):
    import logging

    class Broken(logging.Handler):
        def handle(self, record):
            raise ValueError("disk full")

    logger = logging.getLogger("synapse_presence_router")
    handler = Broken()
    logger.addHandler(handler)
    try:
        check(module.raw(None))
    finally:
        logger.removeHandler(handler)


def test_two_threads_and_reloads(module):
    """Not what Synapse does; but nothing may lock up or fall over."""
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask(seed: int) -> None:
        rng = random.Random(seed)
        try:
            while not stop.is_set():
                users = [f"@u{rng.randrange(50)}:example.org" for _ in range(5)]
                answer = module.raw(states(*users))
                check(answer)
                assert users_of(answer)[GOBBLER] == set(users)
                assert module.interested(GOBBLER) == "ALL"
                assert type(module.interested(rng.choice(users))) is set
                module.router._core.add_users(users)
                module.router._core.remove_users(users[:2])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    base = module.path.read_text()
    for number in range(50):
        loaded = module.reload(base + f"@extra{number} sees @bob\n")
        assert loaded[0], loaded
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert failures == []
