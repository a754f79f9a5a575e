"""Waiting for a condition with a deadline. Nothing in the suites sleeps for a fixed time instead."""

import time


def until(condition, what, deadline_s=30.0, pause_s=0.02):
    """Calls `condition` until it returns something true, and returns that; raises when the deadline passes."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"waited {deadline_s:g} s in vain: {what}")
        time.sleep(pause_s)
