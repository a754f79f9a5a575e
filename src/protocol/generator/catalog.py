"""What tests need to walk over all messages: a description of every field, and functions to read and write each message.

Only tests and checks are built with it; see tests/protocol/message_random.h.
"""


def catalog_files(schemas, stem):
    return {}
