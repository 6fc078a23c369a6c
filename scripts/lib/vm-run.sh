# shellcheck shell=bash
# Packs what is under test and runs the virtual machine. Sourced after vm-image.sh.

# Boots in 6 s and runs for two minutes; a loaded machine may need several times that.
VM_SECONDS=${DPU_CNI_VM_SECONDS:-1200}

# A QEMU with the igb network card: 8.0 or later, which Debian 12 has among its backports.
vm_qemu() {
  [[ $ARCH = x86_64 ]] || die "the virtual machine runs this machine's programs on an x86_64: this is $ARCH"
  if has qemu-system-x86_64; then
    [[ $(qemu-system-x86_64 -device help) = *'name "igb"'* ]] && return
    [[ $OS = debian-12 ]] || die "this QEMU is too old for an igb network card: 8.0 or later is needed"
  fi
  install_newer qemu-system-x86 "a QEMU of 8.0 or later, with an igb network card"
}

# vm_build: what is under test, unless it is given by DPU_CNI_BIN_DIR.
vm_build() {
  need_rust
  say "building what the machine runs (minutes, the first time)"
  [[ ${DPU_CNI_BIN_DIR:-} ]] || "$REPO/scripts/build" >/dev/null
  build_conformance
}

# vm_payload [ONLY]: $VM/payload.cpio, all that differs from run to run: the programs under test and the guest's scripts.
vm_payload() {
  local root=$VM/payload program
  rm -rf "$root"
  mkdir -p "$root"/opt/{bin,vm}
  cp "$REPO/conformance/vm/init" "$root/init"
  cp -r "$REPO"/conformance/vm/{*.sh,run,tests} "$LIB"/{node,demo-show}.sh "$root/opt/vm/"
  echo "${1:-}" >"$root/opt/vm/only"
  for program in "${DPU_CNI_BIN_DIR:-$DIST/$ARCH}"/dpu-{host,nic-placeholder} "$TOOLS/bin/cnitool" "$TARGET_DIR/debug/conformance"; do
    cp "$program" "$root/opt/bin/"
    strip --strip-debug "$root/opt/bin/${program##*/}"
    vm_libraries "$program" "$root"
  done
  vm_pack "$root" "$VM/payload.cpio"
  rm -rf "$root"
}

# vm_machine APPEND: sets QEMU, the command line of the machine, with APPEND on the kernel's.
# One CPU and software emulation (tcg) on purpose: a kernel-based accelerator that cannot run a guest hangs instead of
# failing, and for one short boot it saves little. Two network cards, each with a wire to a third and a fourth: the DPU's side.
# An IOMMU, so that a virtual function can be bound to vfio-pci; other drivers' memory accesses pass it by. With it, a kernel
# that finds its timer late panics, unless it is told not to look: on a busy machine it is late.
vm_machine() {
  cat "$VM/base.cpio" "$VM/payload.cpio" >"$VM/initrd.cpio"
  # shellcheck disable=SC2054 # QEMU's commas
  QEMU=(qemu-system-x86_64 -accel tcg -cpu qemu64 -machine q35 -smp 1 -m 512 -nodefaults -no-reboot -display none
    -kernel "$VM/vmlinux" -initrd "$VM/initrd.cpio"
    -append "console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests intel_iommu=on iommu=pt no_timer_check $1"
    -device intel-iommu,intremap=on
    -device isa-debug-exit,iobase=0xf4,iosize=1)
  local slot
  for slot in 1 2 3 4; do
    QEMU+=(-netdev "hubport,id=wire$slot,hubid=$((slot % 2))" -device "pcie-root-port,id=slot$slot,chassis=1,slot=$slot"
      -device "igb,bus=slot$slot,netdev=wire$slot,mac=52:54:00:d0:00:0$slot,romfile=")
  done
}

vm_shell() {
  say "booting (the processor is emulated: half a minute, more on a busy machine)"
  vm_machine vm.shell
  "${QEMU[@]}" -serial mon:stdio || true
}

vm_demo() {
  local status=0
  vm_machine vm.demo
  timeout -k 5 "$VM_SECONDS" "${QEMU[@]}" -serial stdio </dev/null 2>"$VM/qemu.log" || status=$?
  ((status == 33)) || die "the demo failed in the virtual machine: $(vm_end $status)"
}

# The guest says how its tests went by way of QEMU's exit status; no crash looks like 33 or 35.
vm_test() {
  local status=0
  rm -rf "$VM/results"
  say "booting (the processor is emulated: half a minute, more on a busy machine); then a line for each test"
  vm_machine ''
  timeout -k 5 "$VM_SECONDS" "${QEMU[@]}" -serial stdio -serial "file:$VM/results.tar" </dev/null 2>"$VM/qemu.log" || status=$?
  mkdir "$VM/results"
  tar -C "$VM/results" -xf "$VM/results.tar" 2>/dev/null || say "the machine brought no results back"
  case $status in
    33) ;;
    35)
      printf '%stests failed in the virtual machine; their logs are in %s%s\n' "$RED" "$VM/results" "$PLAIN" >&2
      exit 1
      ;;
    *) die "no verdict from the virtual machine: $(vm_end $status)" ;;
  esac
}

# vm_end STATUS: how QEMU came to end with it.
vm_end() {
  case $1 in
    35) echo "the reason is above" ;;
    124 | 137) echo "it was ended after $VM_SECONDS s (DPU_CNI_VM_SECONDS)" ;;
    *) echo "QEMU ended with status $1: $(tail -1 "$VM/qemu.log")" ;;
  esac
}
