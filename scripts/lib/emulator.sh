# shellcheck shell=bash
# Programs of the other architecture, run by QEMU: unpacked, not installed, for its package would have the kernel hand
# all such programs of the machine to it. Sourced after unpacked.sh.

# Sets EMULATED, the architecture that this machine is not, and EMULATOR, the program that runs its programs.
need_emulator() {
  [[ $ARCH = x86_64 ]] && EMULATED=aarch64 || EMULATED=x86_64
  local package=qemu-user-static program=qemu-$EMULATED-static
  # There, the ordinary ones are static.
  [[ $OS = debian-13 ]] && package=qemu-user program=qemu-$EMULATED
  need_unpacked "$package:$program"
  # shellcheck disable=SC2034 # for the scripts that source this file
  EMULATOR=$(type -P "$program")
}
