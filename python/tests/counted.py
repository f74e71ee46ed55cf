"""The module as Synapse loads it, for `test_synapse.py`: its questions to the engine are logged, and the servers
that Synapse's federation is to tell of presence. They are not told: there are none."""

from __future__ import annotations

import logging
from typing import Any

from synapse.federation.sender import FederationSender
from synapse_presence_router import PresenceRouter

logger = logging.getLogger("counted")


class Counted(PresenceRouter):
    def __init__(self, config: Any, api: Any) -> None:
        super().__init__(config, api)
        self._core = Core(self._core)


class Core:
    def __init__(self, core: Any) -> None:
        self._core = core

    def __getattr__(self, name: str) -> Any:
        if name in ("route", "route_now", "route_only_for"):
            logger.warning(name)
        return getattr(self._core, name)


async def send_presence_to_destinations(self: Any, states: Any, destinations: Any) -> None:
    for destination in destinations if states else ():
        logger.warning("to %s", destination)


FederationSender.send_presence_to_destinations = send_presence_to_destinations
