"""Hostile policies in the module: refused at the start and at a reload by name and place, in bounded
time and memory; the last good policy goes on. `tests/limits.rs` has more of them."""

from __future__ import annotations

import os
import resource
import time

import pytest
from fakes import Module, states, users_of

GOBBLER, BOB = "@gobbler:example.org", "@bob:example.org"
GOOD = "send all to @gobbler\n"

SECONDS = 20.0
MIB = 400


def laughs() -> str:
    lines = ['- &a ["@a:x.org"]']
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"- &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


HOSTILE = {
    "65 parentheses": (b"block " + b"(" * 65 + b"@a" + b")" * 65, "too-large", "main.policy:1:71"),
    "10,000 parentheses": (b"block " + b"(" * 10_000, "too-large", "main.policy:1:71"),
    "a regex bomb": (b"block users matching /(?:a{1000}){1000}/", "too-large", "main.policy:1:22"),
    "wide classes": (rb"block users matching /\w{500}/", "too-large", "main.policy:1:22"),
    "a long ID": (b"block @" + b"a" * 1_000_000, "invalid-user-id", "main.policy:1:7"),
    "NUL": (b"block @a\0b", "invalid-user-id", "main.policy:1:7"),
    "not UTF-8": (b"block @\xff", "not-utf8", "main.policy"),
    "an override": ("block @a\u202eb".encode(), "invalid-user-id", "main.policy:1:7"),
    "too many bytes": (b"#" * ((64 << 20) + 1), "too-large", "main.policy"),
    "unclosed lines": (b"(@a @b\n" * 20_000, "syntax", "main.policy:19999:"),
    "errors": (b"blokc @a\n" * 5_000, "syntax", "main.policy:5000:1"),
    "a circle": (b"group a = group b\ngroup b = group a\nblock group a", "group-cycle", "main.policy:1:7"),
    "aliases": (b'group g from "list.yaml"\nblock group g', "invalid-group-file", "list.yaml:1:3"),
}


@pytest.fixture(params=HOSTILE, ids=str)
def hostile(request, tmp_path):
    (tmp_path / "list.yaml").write_text(laughs())
    return HOSTILE[request.param]


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_hostile_policy_stops_the_start(tmp_path, hostile):
    text, name, place = hostile
    path = tmp_path / "main.policy"
    path.write_bytes(text)
    from synapse.module_api.errors import ConfigError

    began, before = time.process_time(), peak()
    with pytest.raises(ConfigError) as refused:
        Module(path)
    assert name in refused.value.msg and place in refused.value.msg
    assert "\u202e" not in refused.value.msg and "\0" not in refused.value.msg
    assert time.process_time() - began < SECONDS and peak() - before < MIB


def test_a_hostile_edit_is_kept_out_and_the_good_policy_goes_on(tmp_path, hostile, caplog):
    text, name, place = hostile
    module = Module(tmp_path / "main.policy", text=GOOD, watch=True)
    began, before = time.process_time(), peak()
    part = tmp_path / "part"
    part.write_bytes(text)
    os.replace(part, module.path)
    # The watcher's own thread reads it, and another logs what became of it.
    end = time.monotonic() + 60
    errors: list[str] = []
    while not errors and time.monotonic() < end:
        time.sleep(0.01)
        errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors and name in errors[0] and place in errors[0]
    assert module.router._core.generation == 1
    assert users_of(module.raw(states(BOB))) == {GOBBLER: {BOB}}
    assert module.interested(GOBBLER) == "ALL"
    assert time.process_time() - began < SECONDS and peak() - before < MIB
    module.router._stop_following()


def test_a_pipe_for_a_policy_does_not_stop_the_server(tmp_path):
    module = Module(tmp_path / "main.policy", text=GOOD)
    os.remove(module.path)
    os.mkfifo(module.path)
    loaded, generation, *_, report = module.router._core.reload()
    assert (loaded, generation) == (False, 1)
    assert "unreadable-file" in report and "not a regular file" in report
    assert users_of(module.raw(states(BOB))) == {GOBBLER: {BOB}}
