"""The table of cases: filled by the case_*.py files, in the order in which they are read."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    run: typing.Callable


CASES = []


def case(name):
    def add(function):
        assert name not in {one.name for one in CASES}, name
        CASES.append(Case(name, function))
        return function
    return add


def add(name, function):
    case(name)(function)
