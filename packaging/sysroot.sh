# Debian's libraries of another architecture, unpacked into a folder. Read with `.` by script/package.

# make_sysroot DIRECTORY ARCHITECTURE TRIPLET: the development packages of script/packages, with what they need. The
# package lists and the state of apt are the folder's own, so this machine's packages stay as they are.
make_sysroot() {
  local sysroot=$1 arch=$2 triplet=$3 apt packages
  packages=$(grep -E '^(lib.*-dev|nlohmann-json3-dev|zlib1g-dev)$' "$root/script/packages" |
    grep -vE '^(libgtest-dev|libgmock-dev|librdkafka-dev)$')
  [ "$(cat "$sysroot/.complete" 2>/dev/null)" != "$packages" ] || return 0
  rm -rf "$sysroot"
  mkdir -p "$sysroot/.apt/lists/partial" "$sysroot/.apt/cache/archives/partial"
  : >"$sysroot/.apt/status"
  apt=(apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures::="$arch" -o APT::Sandbox::User=root
    -o Dir::State::lists="$sysroot/.apt/lists" -o Dir::State::status="$sysroot/.apt/status"
    -o Dir::Cache="$sysroot/.apt/cache")
  echo "fetching Debian's libraries for $arch" >&2
  "${apt[@]}" update >&2 || die "apt-get update for $arch failed"
  "${apt[@]}" install --download-only --no-install-recommends -y $packages >&2 ||
    die "could not fetch the libraries for $arch"
  local package
  for package in "$sysroot"/.apt/cache/archives/*.deb; do
    case $(basename "$package") in
      # The cross compiler has its own.
      libc6-dev_*|libc6_*|linux-libc-dev_*|libstdc++*|libgcc-*|libc-dev-bin*) ;;
      *) dpkg-deb -x "$package" "$sysroot" ;;
    esac
  done
  rm -rf "$sysroot/.apt"
  [ -d "$sysroot/usr/lib/$triplet" ] || die "Debian's libraries for $arch have no /usr/lib/$triplet"
  echo "$packages" >"$sysroot/.complete"
}
