# shellcheck shell=bash
# Installs what is missing, and says so: Debian 12 and 13, Ubuntu 24.04. Elsewhere it names what is missing and ends.
# Sourced after common.sh.

OS=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown}-${VERSION_ID:-}")
readonly OS

# The packages that hold a program.
packages_of() {
  case $1 in
    cc) echo gcc libc6-dev ;;
    c++) echo g++ ;;
    ip) echo iproute2 ;;
    unshare) echo util-linux ;;
    xz) echo xz-utils ;;
    ping) echo iputils-ping ;;
    strip) echo binutils ;;
    depmod) echo kmod ;;
    rpmbuild) echo rpm ;;
    dpkg-deb) echo dpkg ;;
    *) echo "$1" ;;
  esac
}

# need PROGRAM...: after this, all of them are there.
need() {
  local program missing=() packages=()
  for program; do
    has "$program" || missing+=("$program")
  done
  ((${#missing[@]})) || return 0
  mapfile -t packages < <(for program in "${missing[@]}"; do packages_of "$program"; done | tr ' ' '\n')
  served_automatically "${missing[*]}" "${packages[*]}"
  say "installing ${packages[*]} (missing: ${missing[*]})"
  apt_get install "${packages[@]}" || { apt_get update || true; apt_get install "${packages[@]}"; } ||
    die "apt-get could not install ${packages[*]}: see $TOOLS/apt.log"
}

# Ends there where the namespaces that this script makes are forbidden. Before anything is installed or built.
need_namespaces() {
  local said
  need unshare
  need_root
  said=$(as_root unshare --mount --net --pid --fork --kill-child --mount-proc true 2>&1) ||
    die "namespaces cannot be made here (${said##*$'\n'}). In a container this needs more rights: start it with --privileged"
}

# Ends here on a system whose packages nobody has looked up.
served_automatically() {
  case $OS in
    debian-12 | debian-13 | ubuntu-24.04) ;;
    *) die "missing: $1. Install it (Debian calls it: $2) and run this again; it is installed for you only on Debian 12, Debian 13 and Ubuntu 24.04, and this is $OS" ;;
  esac
}

# apt-get: asks nothing, waits for another one to end, prints errors only.
apt_get() {
  mkdir -p "$TOOLS"
  need_root
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root "$@" >"$TOOLS/apt.log" 2>&1 ||
    { sed -n '/^E:/p' "$TOOLS/apt.log" >&2; return 1; }
}

# install_newer PACKAGE WHAT: the package, from Debian 12's backports there, which alone are new enough.
install_newer() {
  local release=()
  served_automatically "$2" "$1"
  [[ $OS = debian-12 ]] && release=(-t bookworm-backports)
  say "installing $1 (missing: $2)"
  newer_archive
  apt_get "${NEWER[@]}" "${release[@]}" install "$1" || die "apt-get could not install $1: see $TOOLS/apt.log"
}

# Sets NEWER: apt options for an archive whose QEMU, kernel and Go are new enough, its lists fresh.
# On Debian 12 that is bookworm with its security and backports parts, in lists of our own: the machine's
# sources stay as they are, and its next upgrade sees nothing of this.
newer_archive() {
  NEWER=(-o APT::Sandbox::User=root)
  if [[ $OS = debian-12 ]]; then
    local apt=$TOOLS/apt
    mkdir -p "$apt/sources.d" "$apt/lists/partial"
    bookworm_sources >"$apt/sources.d/bookworm.sources"
    NEWER+=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources.d"
      -o "Dir::State::lists=$apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
  fi
  apt_get "${NEWER[@]}" update || say "apt-get update failed: going on with the lists of last time"
}

# Debian 12's archive, from the mirror that the machine itself uses.
bookworm_sources() {
  local main security
  main=$(mirror_of bookworm)
  security=$(mirror_of bookworm-security)
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n' \
    "${main:-http://deb.debian.org/debian}" "bookworm bookworm-updates bookworm-backports" \
    "${security:-http://deb.debian.org/debian-security}" "bookworm-security"
}

mirror_of() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="$1" '$1 == codename && $2 == "main" { print $3; exit }'
}
