"""What the Python programs of this folder share: a call's name and what it gave, as lines that can be compared."""

import enum
import json
import re
import sys
import time
import uuid


def plain(value, depth=0):
    """Dictionaries, lists and words: the client's objects by their public fields."""
    if depth > 8:
        return "..."
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, uuid.UUID):
        return "<id>"
    if type(value).__name__ == "KafkaError" and hasattr(value, "str"):
        return f"{value.name()}: {value.str()}"
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if hasattr(value, "to_dict"):
        return plain(value.to_dict(), depth)
    if isinstance(value, dict):
        return {str(plain(key, depth + 1)): plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(one, depth + 1) for name, one in zip(value._fields, value)}
    if isinstance(value, (list, tuple)):
        return [plain(one, depth + 1) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(one, depth + 1) for one in value), key=str)
    fields = {name: getattr(value, name, None) for name in dir(value) if not name.startswith("_")}
    fields = {name: one for name, one in fields.items() if not callable(one)}
    return {"": type(value).__name__, **{name: plain(one, depth + 1) for name, one in fields.items()}} if fields else str(value)


def leaves(path, value):
    """A line for each leaf, so that a difference names its place."""
    if isinstance(value, (dict, list)) and value:
        # Lists of things with fields are in order: that of an answer is often the order of a hash table.
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            value = sorted(value, key=lambda one: json.dumps(one, sort_keys=True))
        for key, one in sorted(value.items()) if isinstance(value, dict) else enumerate(value):
            leaves(f"{path}.{key}" if path else str(key), one)
    else:
        print(f"{path}: {value if isinstance(value, str) else json.dumps(value)}")


def tell(name, call):
    """One call: prints its name, then what it gave or how it failed. Returns what it gave."""
    print(f"@ {name}")
    try:
        value = call()
    except Exception as error:
        # Some errors tell the whole answer: only its messages count.
        text = " ".join(str(error).split())
        messages = re.findall(r"error_message=(?:'.*?'|\".*?\"|None)(?=[,)])", text)
        print(f"error {type(error).__name__}: {' '.join(messages) or text}", flush=True)
        return None
    leaves("", plain(value))
    sys.stdout.flush()
    return value


def until(call, what, deadline_s=30):
    """Waits for what a call needs beforehand."""
    end = time.monotonic() + deadline_s
    while True:
        try:
            if call():
                return
        except Exception as error:
            what = f"{what}: {error}"
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain: {what}")
        time.sleep(0.05)
