"""What `parse_config` takes and what it refuses, as an operator sees it."""

from __future__ import annotations

import pytest
from fakes import Api, Module
from synapse_presence_router import PresenceRouter

errors = pytest.importorskip("synapse.module_api.errors", reason="matrix-synapse is not installed")
ConfigError = errors.ConfigError

GOOD = "send all to @gobbler\n"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "main.policy"
    path.write_text(GOOD)
    return path


def refused(config) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        PresenceRouter.parse_config(config)
    assert type(caught.value) is ConfigError
    return caught.value


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        (None, (), ["`policy: /etc/"]),
        ({}, (), ["`policy: /etc/"]),
        ([], (), ["expected a mapping, not a list"]),
        ("x.policy", (), ["expected a mapping, not the text `x.policy`"]),
        (7, (), ["not the number `7`"]),
        ({"policy": None}, ("policy",), ["path", "not an empty value"]),
        ({"policy": 7}, ("policy",), ["path", "not the number `7`"]),
        ({"policy": True}, ("policy",), ["path", "not `true`"]),
        ({"policy": ["a"]}, ("policy",), ["path", "not a list"]),
        ({"policy": {"a": "b"}}, ("policy",), ["path", "not a mapping"]),
        ({"policy": ""}, ("policy",), ["path", "/etc/"]),
        ({"policy": "a\0b"}, ("policy",), ["path", "/etc/"]),
        ({"policy": b"/tmp"}, ("policy",), ["path"]),
        ({"policy": "/tmp/\ud800"}, ("policy",), ["path"]),
        ({"policy": "/no/such/file"}, ("policy",), ["unreadable-file", "/no/such/file"]),
        ({"polici": "/x"}, ("polici",), ["`polici`", "did you mean `policy`?"]),
        ({"Policy": "/x"}, ("Policy",), ["did you mean `policy`?"]),
        ({"always_send_to_user": []}, ("always_send_to_user",), ["did you mean `always_send_to_users`?"]),
        ({"blacklist_users": []}, ("blacklist_users",), ["did you mean `blacklisted_users`?"]),
        ({"always_send_to_users": None}, ("always_send_to_users",), ["list of user IDs", "`[]` for nobody"]),
        ({"always_send_to_users": "@a:b"}, ("always_send_to_users",), ["list of user IDs", '`["@a:b"]`']),
        ({"always_send_to_users": {"@a:b": 1}}, ("always_send_to_users",), ["not a mapping"]),
        ({"always_send_to_users": [7]}, ("always_send_to_users", "<item 0>"), ["not the number `7`"]),
        ({"always_send_to_users": ["@a:b", None]}, ("always_send_to_users", "<item 1>"), ["empty value"]),
        ({"always_send_to_users": ["@bot-*:b"]}, ("always_send_to_users", "<item 0>"), ["pattern", "policy file"]),
        ({"blacklisted_users": ["@b?t:b"]}, ("blacklisted_users", "<item 0>"), ["pattern"]),
        ({"blacklisted_users": ["alice:b"]}, ("blacklisted_users", "<item 0>"), ["did you mean `@alice:b`?"]),
        ({"blacklisted_users": ["alice"]}, ("blacklisted_users", "<item 0>"), ["did you mean `@alice`?"]),
        ({"blacklisted_users": ["@alice:"]}, ("blacklisted_users", "<item 0>"), ["no user ID"]),
        ({"blacklisted_users": ["@alice:b."]}, ("blacklisted_users", "<item 0>"), ["`b.`"]),
        ({"blacklisted_users": [""]}, ("blacklisted_users", "<item 0>"), ["no user ID"]),
        ({"blacklisted_users": ["@"]}, ("blacklisted_users", "<item 0>"), ["empty name"]),
        ({"blacklisted_users": ["@a\nblock all\n:b"]}, ("blacklisted_users", "<item 0>"), ["character"]),
        ({"blacklisted_users": ["@a\0:b"]}, ("blacklisted_users", "<item 0>"), ["character"]),
        ({"blacklisted_users": ["@\ud800:b"]}, ("blacklisted_users", "<item 0>"), ["Unicode"]),
        ({"blacklisted_users": ["@" + "a" * 300 + ":b"]}, ("blacklisted_users", "<item 0>"), ["255"]),
        ({"blacklisted_users": ["@ann@example.org"]}, ("blacklisted_users", "<item 0>"), ["`@ann:example.org`?"]),
        ({"blacklisted_users": ["@bob, @cyd"]}, ("blacklisted_users", "<item 0>"), ["`@bob` and `@cyd`"]),
        ({"blacklisted_users": ["@dan "]}, ("blacklisted_users", "<item 0>"), ["did you mean `@dan`?"]),
        ({"always_send_to_users": ["@all@"]}, ("always_send_to_users", "<item 0>"), ["ejabberd"]),
        ({"blacklisted_users": ["@ann # lead"]}, ("blacklisted_users", "<item 0>"), ["comment"]),
        ({"blacklisted_users": ["@zo\xeb"]}, ("blacklisted_users", "<item 0>"), ["@zo\xeb:SERVER"]),
        ({"blacklisted_users": ["!room:b"]}, ("blacklisted_users", "<item 0>"), ["`@`"]),
    ],
)
def test_refused(config, path, words):
    error = refused(config)
    assert tuple(error.path or ()) == path
    for word in words:
        assert word in error.msg


def test_every_problem_at_once(policy):
    policy.write_text("blok @alice\n")
    error = refused({"policy": str(policy), "polici": "x", "blacklisted_users": ["alice", "@b:c", 7]})
    assert tuple(error.path) == ()
    for words in (
        "4 problems",
        "polici: unknown option",
        "blacklisted_users.<item 0>: `alice` is no user ID",
        "blacklisted_users.<item 2>: expected",
        "policy: the policy does not load",
        "main.policy:1:1",
    ):
        assert words in error.msg


def test_the_whole_report_of_a_policy(tmp_path):
    (tmp_path / "a.policy").write_text("send all to @gobbler\nsend grup staff to @bob\nblock group nobody\n")
    (tmp_path / "b.policy").write_text(
        "block @alice\n\n@watcher sees\nblock users on ex!ample\ngroup x = @a, group y\n"
    )
    error = refused({"policy": str(tmp_path)})
    assert tuple(error.path) == ("policy",)
    for place in ("a.policy:2:", "a.policy:3:", "b.policy:3:", "b.policy:4:", "b.policy:5:"):
        assert place in error.msg


def test_as_synapse_prints_it(tmp_path):
    from synapse.config._base import format_config_error
    from synapse.config.modules import ModulesConfig

    policy = tmp_path / "main.policy"
    policy.write_text("blok @alice\n")
    modules = [{"module": "synapse_presence_router.PresenceRouter", "config": {"policy": str(policy)}}]
    with pytest.raises(ConfigError) as caught:
        ModulesConfig(None).read_config({"modules": modules})
    printed = "".join(format_config_error(caught.value))
    assert printed.startswith("Error in configuration at 'modules.<item 0>.config.policy':\n")
    assert f"    the policy does not load ({policy})\n    error[syntax]" in printed
    assert "main.policy:1:1" in printed


def test_good_configurations(policy, monkeypatch):
    assert PresenceRouter.parse_config({"policy": str(policy)}).policy == str(policy)
    assert PresenceRouter.parse_config({"policy": policy}).policy == str(policy)
    assert PresenceRouter.parse_config({"policy": str(policy.parent)}).policy == str(policy.parent)
    monkeypatch.chdir(policy.parent)
    # Synapse changes to `/` when it goes into the background.
    assert PresenceRouter.parse_config({"policy": "main.policy"}).policy == str(policy)
    for key in ("always_send_to_users", "blacklisted_users"):
        assert PresenceRouter.parse_config({key: []}).inline("x") == []
        (inline,) = PresenceRouter.parse_config({key: ["@a", "@b:c"]}).inline("x")
        assert inline[0] == f"homeserver.yaml: {key}" and "@a:x" in inline[1] and "@b:c" in inline[1]


def test_the_lists_become_rules():
    module = Module(
        always_send_to_users=["@gobbler", "@Remote:partner.example"],
        blacklisted_users=["@alice:example.com", '@we,i"rd\\:example.org', "@with # hash:example.org"],
    )
    assert module.interested("@gobbler:example.org") == "ALL"
    assert module.interested("@Remote:partner.example") == "ALL"
    hidden = ["@alice:example.com", '@we,i"rd\\:example.org', "@with # hash:example.org"]
    assert module.route("@bob:example.org", *hidden) == {
        "@gobbler:example.org": {"@bob:example.org"},
        "@Remote:partner.example": {"@bob:example.org"},
    }


def test_the_lists_are_added_to_a_policy(policy):
    policy.write_text("server other.example\n@watcher sees @alice:example.org, @alice, @bob\n")
    module = Module(policy, always_send_to_users=["@gobbler"], blacklisted_users=["@alice"])
    # The `server` statement completes the names of the policy, not those in homeserver.yaml.
    assert module.interested("@gobbler:example.org") == "ALL"
    assert module.interested("@watcher:other.example") == {"@alice:other.example", "@bob:other.example"}


def test_only_blocks_route_nothing():
    assert Module(blacklisted_users=["@alice"]).route("@alice:example.org", "@bob:example.org") == {}


@pytest.mark.parametrize("name", ["hs1.example", "localhost:8448", "[::1]:8448", "10.0.0.1"])
def test_names_take_the_homeservers_server(policy, name):
    module = Module(policy, Api(name))
    assert module.interested(f"@gobbler:{name}") == "ALL"


def test_a_policy_that_went_bad_between_check_and_start(policy):
    config = PresenceRouter.parse_config({"policy": str(policy)})
    policy.write_text("blok @alice\n")
    with pytest.raises(ConfigError) as caught:
        PresenceRouter(config, Api())
    assert "main.policy:1:1" in caught.value.msg and caught.value.__cause__ is None


def test_the_server_name_by_other_ways(policy):
    class Qualifies:
        def get_qualified_user_id(self, name):
            return f"@{name}:by.example:80"

    class Private:
        class _hs:
            hostname = "private.example"

    assert Module(policy, Qualifies()).interested("@gobbler:by.example:80") == "ALL"
    assert Module(policy, Private()).interested("@gobbler:private.example") == "ALL"


def test_the_checked_configuration_may_be_left_out(policy):
    router = PresenceRouter({"policy": str(policy)}, Api())
    assert router._core.rule_count == 1
