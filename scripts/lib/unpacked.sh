# shellcheck shell=bash
# Programs that tests run but nobody should have to install: container runtimes, whose packages would start services,
# and a static busybox, whose package would displace another. Their packages are unpacked under $TOOLS/unpacked.
# Sourced after packages.sh.

UNPACKED=$TOOLS/unpacked
readonly UNPACKED
PATH=$UNPACKED/bin:$UNPACKED/sbin:$UNPACKED/usr/bin:$UNPACKED/usr/sbin:$PATH

need_runtimes() {
  need_unpacked containerd:containerd runc:runc podman:podman conmon:conmon busybox-static:busybox \
    containernetworking-plugins:lib/cni/loopback
}

# need_unpacked PACKAGE:PROGRAM...: after this the programs are on PATH, or with a slash beside a directory of PATH;
# one that is installed already is taken as it is.
need_unpacked() {
  local wanted missing=()
  for wanted; do
    if ! is_there "${wanted#*:}" || is_dynamic_busybox "${wanted#*:}"; then missing+=("${wanted%:*}"); fi
  done
  ((${#missing[@]})) || return 0
  served_automatically "${missing[*]}" "${missing[*]}"
  say "unpacking ${missing[*]} under $UNPACKED (missing; not installed, no service is started)"
  newer_archive
  mkdir -p "$UNPACKED/packages"
  (cd "$UNPACKED/packages" && apt-get -qq "${NEWER[@]}" download "${missing[@]}") || die "could not download ${missing[*]}"
  for wanted in "$UNPACKED"/packages/*.deb; do dpkg -x "$wanted" "$UNPACKED"; done
  rm -r "$UNPACKED/packages"
  install_libraries_of "${missing[@]}"
}

is_there() { path_of "$1" >/dev/null; }

# path_of PROGRAM: where it is, named as for need_unpacked.
path_of() {
  [[ $1 = */* ]] || { type -P "$1"; return; }
  local dirs dir
  IFS=: read -ra dirs <<<"$PATH"
  for dir in "${dirs[@]}"; do [[ -e ${dir%/*}/$1 ]] && echo "${dir%/*}/$1" && return; done
  return 1
}

is_dynamic_busybox() { [[ $1 = busybox && $(ldd "$(type -P busybox)" 2>&1) = *' => '* ]]; }

# Shared libraries do nothing by being installed.
install_libraries_of() {
  local libraries missing=() library
  mapfile -t libraries < <(apt-cache "${NEWER[@]}" depends "$@" | awk '$1 == "Depends:" && $2 ~ /^lib/ { print $2 }' | sort -u)
  for library in "${libraries[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$library" 2>/dev/null | grep -qx installed || missing+=("$library")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]} (libraries of the above)"
  apt_get "${NEWER[@]}" install "${missing[@]}" || die "apt-get could not install ${missing[*]}: see $TOOLS/apt.log"
}
