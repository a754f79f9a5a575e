"""ADDRESS LEVEL: sets the finalized level of transaction.version, up or down, as kafka-features does."""

import sys

from kafka.admin import KafkaAdminClient, UpdateFeatureType

FEATURE = "transaction.version"
address, level = sys.argv[1], int(sys.argv[2])
admin = KafkaAdminClient(bootstrap_servers=address)


def finalized():
    return admin.describe_features().get(FEATURE, {}).get("finalized", (0, 0))[1]


way = UpdateFeatureType.UPGRADE if level > finalized() else UpdateFeatureType.SAFE_DOWNGRADE
told = admin.update_features({FEATURE: (way, level)})
if told[FEATURE] != "OK" or finalized() != level:
    sys.exit(f"{FEATURE} to {level}: {told[FEATURE]}; it is at {finalized()}")
