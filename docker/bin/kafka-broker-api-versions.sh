#!/bin/sh
# In the place of Kafka's script of this name: the part of it that health checks and build scripts use.
exec /opt/milena/milena api-versions "$@"
