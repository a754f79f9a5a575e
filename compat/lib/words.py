"""Compares messages by what they tell. Milena's words are its own; what a message names must be the same."""

import re

# Numbers; names with a dot or an underscore inside, or a dash and a number at their end; what is all capitals, as errors
# and modes are; what stands in quotes.
FACT = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?!\w)|[A-Za-z]\w*(?:[._]\w+)+|[A-Za-z]\w*(?:-\w+)*-\d+|\b[A-Z][A-Z_]{3,}\b|'[^']+'")
# Ids of clusters and topics, which are random.
ID = re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{22}(?![\w-])")
# Java's own names say nothing about the request.
JAVA = re.compile(r"^(org\.apache\.|java\.)|Exception")


def facts(text):
    found = (one.strip("'") for one in FACT.findall(ID.sub("", text.strip("'\" "))))
    return {one for one in found if not JAVA.search(one)}


def tells_as_much(ours, theirs):
    """True when our message names all that Kafka's names."""
    return bool(ours) and all(one in ours for one in facts(theirs))
