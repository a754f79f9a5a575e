"""ADDRESS USER PASSWORD: makes the user for both mechanisms of SCRAM."""

import sys

from confluent_kafka.admin import (AdminClient, ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion)

address, user, password = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": address})
for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
    done = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(user, ScramCredentialInfo(mechanism, 4096), password.encode())])
    for future in done.values():
        future.result(30)
