"""Random objects at every door of the module: updates, user IDs, configurations, room facts, policies.

    .venv/bin/python python/tests/fuzz_border.py --seconds 60 [--seed 7]

Laws: a callback never raises and never returns another type than Synapse checks for; whoever was
answered "ALL" is a key of every batch's answer; a configuration is taken or refused by `ConfigError`.
A failure names the seed that shows it again.
"""

from __future__ import annotations

import argparse
import datetime
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fakes import Api, Module, finished, state
from synapse.module_api.errors import ConfigError
from synapse_presence_router import PresenceRouter

USERS = ["@a:example.org", "@b:example.org", "@c:remote.org", "@d:[::1]:80", "@é:example.org"]
ROOMS = ["!r:example.org", "!s", "!t:remote.org"]
ALIASES = ["#r:example.org", "#s:remote.org"]
STATEMENTS = [
    "send all to @a\n",
    "send all except @b to @c:remote.org\n",
    "block @b\n",
    "block all from @a\n",
    "members of !r:example.org see members of (#r, !s)\n",
    "group g = members of #s:remote.org, @a\ngroup g see each other\n",
    "@b sees users matching /@[a-c]:.*/\n",
    "users on *.org see local users\n",
]
ACTIONS_A_MODULE = 150


class Odd:
    """An object of which everything may fail."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __getattr__(self, name: str) -> Any:
        if name == "user_id":
            return junk(self._rng, 1)
        raise self._rng.choice([AttributeError, ValueError, RecursionError, KeyError])(name)

    def __hash__(self) -> int:
        if self._rng.random() < 0.3:
            raise TypeError("no hash")
        return self._rng.randrange(4)

    def __eq__(self, other: object) -> bool:
        if self._rng.random() < 0.2:
            raise ValueError("not comparable")
        return self is other

    def __iter__(self) -> Any:
        for _ in range(self._rng.randrange(3)):
            yield junk(self._rng, 1)
        if self._rng.random() < 0.5:
            raise RuntimeError("half way")

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


def text(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return rng.choice([*USERS, *ROOMS, *ALIASES])
    letters = '@!#:.*?"\\ab/[]\0\n\u202e\u200bé\ud800 '
    return "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 3, 12, 300])))


def junk(rng: random.Random, depth: int = 3) -> Any:
    kind = rng.randrange(14 if depth else 10)
    if kind < 4:
        return text(rng)
    if kind == 4:
        return rng.choice([None, True, False, 0, -1, 2**70, 1.5, float("nan")])
    if kind == 5:
        return text(rng).encode("utf-8", "surrogatepass")
    if kind == 6:
        return SimpleNamespace(user_id=rng.choice(USERS))
    if kind == 7:
        return Odd(rng)
    if kind in (8, 9):
        return state(rng.choice([*USERS, text(rng)]))
    items = [junk(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 10:
        return items
    if kind == 11:
        return tuple(items)
    if kind == 12:
        return iter(items)
    return {text(rng): item for item in items}


def yaml_value(rng: random.Random, depth: int = 3) -> Any:
    """What a configuration can hold: it comes from YAML."""
    kind = rng.randrange(6 if depth else 4)
    if kind < 3:
        return text(rng)
    if kind == 3:
        return rng.choice([None, True, 0, -1, 2**70, 1.5, float("nan"), datetime.date(2000, 1, 1), b"bytes"])
    items = [yaml_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return items if kind == 4 else {rng.choice([text(rng), 1, None]): item for item in items}


def policy(rng: random.Random) -> str:
    lines = [rng.choice(STATEMENTS) for _ in range(rng.randrange(5))]
    whole = (
        "".join(lines).replace("group g =", f"group g{rng.randrange(9)} =") if rng.random() < 0.5 else "".join(lines)
    )
    if rng.random() < 0.3 and whole:
        at = rng.randrange(len(whole))
        whole = whole[:at] + text(rng).encode("utf-8", "replace").decode() + whole[at + rng.randrange(4) :]
    return whole


def members(rng: random.Random) -> Any:
    if rng.random() < 0.6:
        return rng.sample(USERS, rng.randrange(len(USERS)))
    return rng.choice([None, [], junk(rng), [*USERS, junk(rng, 1)]])


def check_batch(answer: Any, batch: Any, everyone: set[str]) -> None:
    assert type(answer) is dict, answer
    for key, given in answer.items():
        assert type(key) is str and type(given) is set
        if type(batch) is list:
            assert all(any(one is other for other in batch) for one in given)
    assert everyone <= answer.keys(), (everyone, list(answer))


def check_user(answer: Any) -> None:
    assert answer == "ALL" if type(answer) is str else type(answer) is set
    assert type(answer) is str or all(type(user) is str for user in answer)


def one_module(rng: random.Random, folder: Path, done: Counter[str]) -> None:
    """A module with a fake server, and many things that may happen to it."""
    api = Api(rooms={room: members(rng) for room in ROOMS})
    api.aliases.update({alias: rng.choice(ROOMS) for alias in ALIASES if rng.random() < 0.7})
    api.tables["users"] = [(junk(rng, 0),) for _ in range(rng.randrange(4))]
    api.tables["presence_stream"] = [(junk(rng, 0),) for _ in range(rng.randrange(4))]
    module = Module(folder / "fuzz.policy", api, text="".join(rng.sample(STATEMENTS, 3)))
    everyone: set[str] = set()
    for _ in range(ACTIONS_A_MODULE):
        what = rng.choice(["batch"] * 4 + ["user"] * 4 + ["config", "facts", "reload"])
        done[what] += 1
        if what == "batch":
            batch = junk(rng) if rng.random() < 0.2 else [junk(rng, 1) for _ in range(rng.randrange(6))]
            check_batch(module.raw(batch), batch, everyone)
        elif what == "user":
            user = rng.choice(USERS) if rng.random() < 0.6 else junk(rng, 1)
            answer = module.interested(user)
            check_user(answer)
            if answer == "ALL":
                everyone.add(user)
        elif what == "config":
            one_config(rng, folder)
        elif what == "facts":
            api._store.rooms[rng.choice(ROOMS)] = members(rng)
            finished(module.router._facts.refresh())
        else:
            # Who was answered "ALL" stays a key for some minutes, so `everyone` only grows.
            loaded = module.reload(policy(rng))
            assert loaded is None or (type(loaded) is tuple and len(loaded) == 5), loaded


def one_config(rng: random.Random, folder: Path) -> None:
    keys = ["policy", "always_send_to_users", "blacklisted_users", text(rng)]
    config: Any = {key: yaml_value(rng) for key in rng.sample(keys, rng.randrange(4))}
    if isinstance(config.get("policy"), str):
        # Not `/`, which would read all there is.
        config["policy"] = f"{folder}/{config['policy'].replace('/', '_')}x"
    if rng.random() < 0.3:
        config["policy"] = str(folder / "fuzz.policy")
    if rng.random() < 0.1:
        config = yaml_value(rng, 0)
    try:
        PresenceRouter.parse_config(config)
    except ConfigError:
        pass


def run(seed: int, modules: int | None = None, seconds: float = float("inf")) -> Counter[str]:
    """Runs so many modules, or for so long; says how often what was done."""
    logging.getLogger("synapse_presence_router").setLevel(logging.CRITICAL + 1)
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while modules != 0 and time.monotonic() < end:
            try:
                one_module(random.Random(seed), Path(folder), done)
            except BaseException:
                print(f"--seed {seed} shows it", file=sys.stderr)
                raise
            done["modules"] += 1
            seed += 1
            modules = None if modules is None else modules - 1
    return done


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    given = arguments.parse_args()
    done = run(given.seed, seconds=given.seconds)
    print(f"border: seeds from {given.seed}: " + ", ".join(f"{n} {what}" for what, n in sorted(done.items())))


if __name__ == "__main__":
    main()
