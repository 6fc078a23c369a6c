# shellcheck shell=bash
# Programs of the other architecture, run by QEMU: unpacked, not installed, for its package would have the kernel hand
# all such programs of the machine to it. Sourced after unpacked.sh.

# Sets EMULATED, the architecture that this machine is not, and EMULATOR, the program that runs its programs.
need_emulator() {
  [[ $ARCH = x86_64 ]] && EMULATED=aarch64 || EMULATED=x86_64
  local program=qemu-$EMULATED-static
  need_unpacked "qemu-user-static:$program"
  # From QEMU 10 on it is a link into another package, whose programs are static now.
  has "$program" || need_unpacked "qemu-user:${program%-static}"
  # shellcheck disable=SC2034 # for the scripts that source this file
  EMULATOR=$(type -P "$program")
}
