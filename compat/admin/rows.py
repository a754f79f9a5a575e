"""Cases that are tables: each row is a request, sent in every version that both brokers have."""

import messages
import table

NODE = 1
LONG = "a" * 250
ODD_NAMES = ("nowhere", "", LONG, "a/b", "..", "a b", "ü")


def label_of(value):
    text = repr(value)
    return text if len(text) <= 40 else text[:20] + f"... ({len(text)})"


def versions_of(target, api):
    return target.common.get(messages.key_of(api))


def rows(name, api, make, only=None):
    """Adds a case. `make(target)` returns its (label, body) pairs, and prepares on the way what they are about."""
    def run(target):
        known = versions_of(target, api)
        if known is None:
            target.say(api, "is advertised" if messages.key_of(api) in target.advertised else "is not advertised")
            return
        made = list(make(target))
        for version in range(known[0], known[1] + 1):
            if only is not None and version not in only:
                continue
            for label, body in made:
                target.ask(api, version, body, label=f"{label} v{version}")
    table.add(name, run)
