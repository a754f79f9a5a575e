#!/bin/sh
# In the place of Kafka's script of this name: kafka-server-start.sh [-daemon] server.properties [--override key=value]...
if [ "${1:-}" = -daemon ]; then
  shift
  /opt/milena/milena "$@" >/dev/null 2>&1 &
  exit 0
fi
exec /opt/milena/milena "$@"
