"""A short run of `fuzz_border.py`, always the same; `make fuzz` runs it longer and with new seeds."""

import logging

import fuzz_border


def test_random_objects_at_every_door():
    logger = logging.getLogger("synapse_presence_router")
    level = logger.level
    try:
        done = fuzz_border.run(seed=1, modules=40)
    finally:
        logger.setLevel(level)
    assert done["modules"] == 40 and min(done[what] for what in ("batch", "user", "config", "facts", "reload")) > 100
