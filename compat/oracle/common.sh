# Shared by the commands of this folder; read with `.`, not run.
#
# The oracle is Apache Kafka itself, from Maven Central: where Milena's behaviour is in question, these
# commands show what Kafka does. MILENA_CACHE moves the cache; KAFKA_VERSION picks another release.

oracle_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MILENA_CACHE:-$HOME/.cache/milena}
kafka_version=${KAFKA_VERSION:-4.3.1}

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

libs_dir() { echo "$cache/kafka-$1/libs"; }

is_fetched() { [ -e "$cache/kafka-$1/complete" ]; }

# Installs Debian packages where we may, and otherwise says which are missing.
need_program() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing $2" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2"; } >&2 || die "could not install the Debian package $2"
  else
    die "$1 is missing; install it (Debian: apt-get install $2)"
  fi
}

# Reads one key of a properties file.
property() { # FILE KEY
  sed -n "s/^$2=//p" "$1" | tail -n 1
}

port_answers() { # HOST PORT
  (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}
