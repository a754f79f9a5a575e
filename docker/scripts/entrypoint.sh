#!/bin/sh
# In the place of the script of this name in Redpanda's image: /entrypoint.sh redpanda start ...
if [ "${1:-}" = redpanda ] || [ "${1:-}" = rpk ]; then
  shift
  exec /opt/milena/milena redpanda "$@"
fi
exec "$@"
