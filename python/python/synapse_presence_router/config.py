"""What ``homeserver.yaml`` may say about us, checked whole before the server starts.

`parse` finds every problem and raises one `ConfigError`. It starts no thread and keeps nothing open:
Synapse calls it in every process, in config-check jobs, and before it forks into the background.
"""

from __future__ import annotations

import difflib
import os
import textwrap
from dataclasses import dataclass, field
from typing import Any, Mapping, NoReturn, Sequence

from . import _core

KEYS = ("policy", "always_send_to_users", "blacklisted_users")

EXAMPLE = "/etc/matrix-synapse/policies"


RULES = (
    ("always_send_to_users", 'send all to "{}"\n'),
    ("blacklisted_users", 'block "{}"\n'),
)
"""What a user of each list becomes in the language of policies."""


@dataclass(frozen=True)
class Config:
    """The checked configuration, as `parse` returns it to Synapse."""

    policy: str | None
    """The absolute path of a policy file or folder."""

    users: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The lists of user IDs, by their keys."""

    def inline(self, server_name: str | None) -> list[tuple[str, str]]:
        """The lists as policy texts, each with the name it has in reports.

        Names without a server are the homeserver's: a `server` statement holds for policy files.
        """
        texts = []
        for key, rule in RULES:
            lines = [rule.format(_escaped(_whole(user, server_name))) for user in self.users.get(key, ())]
            if lines:
                texts.append((_source(key), "".join(lines)))
        return texts

    @property
    def where(self) -> str:
        """What to call it in a log record."""
        names = [_source(key) for key, _ in RULES if self.users.get(key)]
        return ", ".join([self.policy, *names] if self.policy else names) or "no rules"


@dataclass(frozen=True)
class _Problem:
    path: tuple[str, ...]
    message: str


def parse(config: Any) -> Config:
    """Checks the ``config`` of a module in ``homeserver.yaml``.

    Raises Synapse's `ConfigError` with every problem found, the whole report of a bad policy among
    them, and with the path of the offending key.
    """
    if config is None:
        config = {}
    if not isinstance(config, Mapping):
        fail([_Problem((), f"expected a mapping, not {_kind(config)}")])

    problems: list[_Problem] = []
    for key in config:
        if key not in KEYS:
            problems.append(_Problem((str(key),), _unknown_key(key, config)))

    if not problems and not any(key in config for key in KEYS):
        message = f"nothing says who receives whose presence, write for example `policy: {EXAMPLE}`"
        problems.append(_Problem((), message))
    parsed = Config(
        _policy(config, problems) if "policy" in config else None,
        {key: _users(config, key, problems) for key, _ in RULES if key in config},
    )
    if parsed.policy is not None or not problems:
        try:
            _core.check(parsed.policy, parsed.inline(None))
        except _core.PolicyError as error:
            problems.append(_Problem(("policy",), _does_not_load(parsed, error)))
    if problems:
        fail(problems)
    return parsed


def policy_does_not_load(config: Config, error: _core.PolicyError) -> NoReturn:
    """Raises the `ConfigError` for a policy that passed `parse` and does not load at the start."""
    fail([_Problem(("policy",), _does_not_load(config, error))])


def fail(problems: Sequence[_Problem]) -> NoReturn:
    """Raises Synapse's `ConfigError`. It has room for one path: that of the only problem."""
    error_class = _config_error()
    if len(problems) == 1:
        raise error_class(problems[0].message, problems[0].path) from None
    lines = [f"{len(problems)} problems:"]
    for problem in problems:
        at = ".".join(problem.path)
        lines.append(f"- {at}: {problem.message}" if at else f"- {problem.message}")
    raise error_class(("\n" + INDENT).join(lines), ()) from None


INDENT = "    "
"""Synapse prints the message this far to the right, but only its first line."""


def _config_error() -> type[Exception]:
    # Here and not above: the package must import where there is no Synapse, and importing
    # `synapse.module_api` takes a second.
    try:
        from synapse.module_api.errors import ConfigError
    except ImportError:
        return _ConfigError
    return ConfigError


class _ConfigError(Exception):
    """The same shape as Synapse's, for use without Synapse."""

    def __init__(self, msg: str, path: Sequence[str] | None = None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.path = path


def _does_not_load(config: Config, error: _core.PolicyError) -> str:
    report = textwrap.indent(str(error).rstrip(), INDENT)
    return f"the policy does not load ({config.where})\n{report}"


def _unknown_key(key: object, config: Mapping[Any, Any]) -> str:
    near = difflib.get_close_matches(str(key).lower(), KEYS, n=1, cutoff=0.5)
    near = [name for name in near if name not in config]
    if near:
        return f"unknown option `{key}`, did you mean `{near[0]}`?"
    return f"unknown option `{key}`, there are " + ", ".join(f"`{name}`" for name in KEYS)


def _policy(config: Mapping[Any, Any], problems: list[_Problem]) -> str | None:
    value = config["policy"]
    if not isinstance(value, (str, os.PathLike)):
        message = f"expected the path of a policy file or folder, not {_kind(value)}"
    elif not (path := os.fspath(value)) or not isinstance(path, str) or "\0" in path or _is_broken(path):
        message = f"expected the path of a policy file or folder, such as `{EXAMPLE}`"
    else:
        # Synapse changes to `/` when it forks into the background.
        return os.path.abspath(path)
    problems.append(_Problem(("policy",), message))
    return None


def _users(config: Mapping[Any, Any], key: str, problems: list[_Problem]) -> list[str]:
    value = config[key]
    if not isinstance(value, (list, tuple)):
        message = f"expected a list of user IDs, not {_kind(value)}"
        if isinstance(value, str) and value.startswith("@"):
            message += f': write `["{value}"]`'
        elif value is None:
            message += ": write `[]` for nobody"
        problems.append(_Problem((key,), message))
        return []
    users: list[str] = []
    for index, item in enumerate(value):
        wrong = _wrong_user(item)
        if wrong is None:
            users.append(item)
        else:
            problems.append(_Problem((key, f"<item {index}>"), wrong))
    return users


def _is_broken(text: str) -> bool:
    """Whether it holds half a character: YAML's `"\\ud800"` is one, and no UTF-8 can say it."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _wrong_user(item: object) -> str | None:
    if not isinstance(item, str):
        return f'expected a user ID such as "@ann:example.org", not {_kind(item)}'
    if any(character in item for character in "*?"):
        return f"`{item}` is a pattern, and only user IDs stand here: write the rule in a policy file"
    wrong = _core.wrong_user_id(item)
    if wrong is None:
        return None
    message = f"`{item}` is no user ID: it {wrong}"
    if item and not item.startswith("@") and _core.wrong_user_id("@" + item) is None:
        message += f", did you mean `@{item}`?"
    return message


def _source(key: str) -> str:
    return f"homeserver.yaml: {key}"


def _whole(user: str, server_name: str | None) -> str:
    return user if ":" in user or server_name is None else f"{user}:{server_name}"


def _escaped(user: str) -> str:
    return user.replace("\\", "\\\\").replace('"', '\\"')


def _kind(value: object) -> str:
    """A value's type in YAML's words."""
    for types, name in (
        (type(None), "an empty value"),
        (bool, f"`{str(value).lower()}`"),
        ((int, float), f"the number `{value!r}`"),
        (str, f"the text `{value}`"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    ):
        if isinstance(value, types):
            return name
    return f"a `{type(value).__name__}`"
