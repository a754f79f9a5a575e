# Shared by the commands of this folder; read with `.`, not run. What they say to a person goes to standard error.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Installs the Debian packages that are missing, if we may: those of script/packages, or those that are named.
install_packages() {
  local missing=() package
  [ $# -gt 0 ] || set -- $(grep -v '^#' "$root/script/packages")
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "this is not Debian; needed are what these Debian packages hold: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || die "some packages are missing; run first: sudo apt-get install ${missing[*]}"
    as_root=(sudo -n)
  fi
  echo "installing ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq >&2 || die "apt-get update failed"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >&2 || die "could not install ${missing[*]}"
}

# Configures and builds: build DIRECTORY CMAKE-ARGUMENTS... -- NINJA-TARGETS...
build() {
  local directory=$1 arguments=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    arguments+=("$1")
    shift
  done
  shift
  # A build directory that was configured elsewhere (a copied checkout) would point there.
  if [ -e "$directory/CMakeCache.txt" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$directory/CMakeCache.txt"; then
    rm -rf "$directory"
  fi
  cmake -S "$root" -B "$directory" -G Ninja "${arguments[@]}" >"$directory.log" 2>&1 ||
    { cat "$directory.log" >&2; die "cmake failed"; }
  # Nothing is said where nothing is to be built.
  ninja -C "$directory" "$@" |
    sed -u -e '/^ninja: Entering directory/d' -e '/Re-checking globbed directories/d' -e '/^ninja: no work to do/d' >&2 || die "the build failed"
}
