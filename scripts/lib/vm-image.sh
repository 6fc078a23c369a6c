# shellcheck shell=bash
# The test machine's kernel and root, from packages that are unpacked and never installed: $VM/vmlinux, $VM/base.cpio.
# Made once; made again when this file changes. Sourced after packages.sh and unpacked.sh.

VM=$CACHE/vm
# What the guest loads or a test may load: SR-IOV, pods' plumbing, device assignment, the card's switch.
VM_MODULES=(igb igbvf veth dummy macvlan 8021q vfio-pci vfio_iommu_type1 openvswitch)
# Besides busybox: what has a better ip, shows what a card does for its packets, stops a plugin between two of its system calls, and is Open vSwitch.
VM_PROGRAMS=(bash ip ethtool strace ovsdb-tool ovsdb-server lib/openvswitch-switch/ovs-vswitchd ovs-vsctl ovs-ofctl)
VM_SCHEMA=share/openvswitch/vswitch.ovsschema
readonly VM VM_MODULES VM_PROGRAMS VM_SCHEMA

# Makes the image unless it is there.
vm_image() {
  local recipe
  recipe=$(sha256sum <"${BASH_SOURCE[0]}")
  [[ -e $VM/recipe && $(<"$VM/recipe") = "$recipe" ]] && return
  need cpio xz zstd strip ip ethtool depmod strace
  need_unpacked busybox-static:busybox openvswitch-switch:lib/openvswitch-switch/ovs-vswitchd openvswitch-common:ovs-ofctl
  rm -rf "$VM"
  mkdir -p "$VM"/{packages,kernel,root}
  vm_fetch
  say "making the machine's files of them"
  vm_kernel
  vm_root
  rm -rf "$VM"/{packages,kernel,root}
  echo "$recipe" >"$VM/recipe"
}

# Downloads and unpacks a kernel. The archive moves on, so the meta package says which kernel there is.
vm_fetch() {
  local meta image packages
  newer_archive
  case $OS in
    debian-12) meta=linux-image-6.12-amd64 ;;
    debian-*) meta=linux-image-amd64 ;;
    ubuntu-*) meta=linux-image-virtual ;;
    *) served_automatically "a kernel for the virtual machine" "linux-image-amd64" ;;
  esac
  image=$(apt-cache "${NEWER[@]}" depends "$meta" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
  [[ $image ]] || die "$meta names no kernel: run apt-get update and try again"
  packages=("$image")
  # Ubuntu keeps a kernel's modules in packages of their own.
  [[ $OS = ubuntu-* ]] && packages+=("${image/image/modules}" "${image/image/modules-extra}")
  say "fetching ${packages[*]} (unpacked under $VM, not installed)"
  (cd "$VM/packages" && apt-get -qq "${NEWER[@]}" download "${packages[@]}") || die "could not download ${packages[*]}"
  local package
  for package in "$VM"/packages/*.deb; do dpkg -x "$package" "$VM/kernel"; done
}

# $VM/vmlinux: the kernel without its decompressor, which costs two seconds of emulation; QEMU starts it by its PVH entry.
vm_kernel() {
  local vmlinuz
  vmlinuz=$(echo "$VM"/kernel/boot/vmlinuz-*)
  vm_try_unpack '\xfd7zXZ\x00' "xz -dcq" || vm_try_unpack '\x28\xb5\x2f\xfd' "zstd -dcq" || cp "$vmlinuz" "$VM/vmlinux"
}

# vm_try_unpack MAGIC PROGRAM: succeeds when something in the kernel image that starts with MAGIC unpacks to an ELF file.
vm_try_unpack() {
  local offset
  while read -r offset; do
    # Unpackers complain of what follows the stream; the ELF magic is the judge.
    tail -c +$((offset + 1)) "$vmlinuz" | $2 >"$VM/vmlinux" 2>/dev/null || true
    [[ $(head -c 4 "$VM/vmlinux") = $'\x7fELF' ]] && return
  done < <(LC_ALL=C grep -aobP "$1" "$vmlinuz" | LC_ALL=C cut -d: -f1 || true)
  return 1
}

# $VM/base.cpio: programs and the kernel's modules. What is under test comes in a second archive, made for each run.
vm_root() {
  local root=$VM/root program
  mkdir -p "$root"/{bin,sbin,proc,sys,dev,tmp,run,etc,mnt,root,var/lib,usr/bin,usr/sbin}
  cp "$(type -P busybox)" "$root/bin/"
  for program in "${VM_PROGRAMS[@]}"; do
    cp "$(readlink -f "$(path_of "$program")")" "$root/sbin/${program##*/}"
    vm_libraries "$root/sbin/${program##*/}" "$root"
  done
  install -D "$(path_of "$VM_SCHEMA")" "$root/usr/$VM_SCHEMA"
  ln -s /sbin/bash "$root/bin/bash"
  vm_modules "$root"
  vm_pack "$root" "$VM/base.cpio"
}

# vm_libraries PROGRAM ROOT: copies the shared libraries of PROGRAM to the same paths under ROOT.
vm_libraries() {
  local library
  while read -r library; do
    [[ -e $2$library ]] || install -D "$(readlink -f "$library")" "$2$library"
  done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true) # nothing, for a static program
}

vm_modules() {
  local root=$1 version tree module file
  version=$(basename "$VM"/kernel/boot/vmlinuz-*)
  version=${version#vmlinuz-}
  # Where /lib is a link to /usr/lib packages are free to use either name.
  [[ -d $VM/kernel/lib ]] || ln -s usr/lib "$VM/kernel/lib"
  tree=lib/modules/$version
  mkdir -p "$root/$tree"
  cp "$VM/kernel/$tree"/modules.{order,builtin,builtin.modinfo} "$root/$tree/"
  depmod -b "$VM/kernel" "$version"
  for module in "${VM_MODULES[@]}"; do
    modprobe -d "$VM/kernel" -S "$version" --show-depends "$module" || die "the kernel $version has no module $module"
  done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r file; do
    module=$root/$tree/${file#*"/$tree/"}
    mkdir -p "${module%/*}"
    case $file in
      *.xz) module=${module%.xz} && xz -dc "$file" >"$module" ;;
      *.zst) module=${module%.zst} && zstd -dqc "$file" >"$module" ;;
      *) cp "$file" "$module" ;;
    esac
    strip --strip-debug "$module"
  done
  depmod -b "$root" "$version"
}

# vm_pack DIRECTORY ARCHIVE: the directory as an initramfs; not compressed, for unpacking would be emulated.
vm_pack() {
  (cd "$1" && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$2"
}
