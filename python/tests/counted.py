"""The module as Synapse loads it, whose questions to the engine are logged, for `test_synapse.py`."""

from __future__ import annotations

import logging
from typing import Any

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
