"""xdp.py INTERFACE how: puts an XDP program on an interface that drops every packet.

how is generic or driver, after which it ends, or link: then the program stays until standard input ends.
The program is two instructions, so that nothing but a kernel is needed to make it.
"""

import ctypes
import os
import platform
import socket
import struct
import sys

BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
PROG_LOAD, LINK_CREATE = 5, 28
PROG_TYPE_XDP, ATTACH_XDP = 6, 37
DROP = struct.pack("=BBhiBBhi", 0xB7, 0, 0, 1, 0x95, 0, 0, 0)  # r0 = XDP_DROP; exit

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    fd = libc.syscall(BPF, command, buffer, 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "bpf: " + os.strerror(ctypes.get_errno()))
    return fd


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value.ljust(-(-len(value) // 4) * 4, b"\0")


def attach(index, program, flags):
    xdp = attribute(1, struct.pack("=i", program)) + attribute(3, struct.pack("=I", flags))
    body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + attribute(43, xdp)  # IFLA_XDP
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    netlink.send(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)  # RTM_SETLINK, with an acknowledgement
    (error,) = struct.unpack_from("=i", netlink.recv(65536), 16)
    if error:
        raise OSError(-error, "netlink: " + os.strerror(-error))


instructions, licence = ctypes.create_string_buffer(DROP), ctypes.create_string_buffer(b"GPL")
program = bpf(
    PROG_LOAD, struct.pack("=IIQQ", PROG_TYPE_XDP, 2, ctypes.addressof(instructions), ctypes.addressof(licence))
)
index, how = socket.if_nametoindex(sys.argv[1]), sys.argv[2]
if how == "link":
    link = bpf(LINK_CREATE, struct.pack("=IIII", program, index, ATTACH_XDP, 0))
else:
    attach(index, program, {"generic": 2, "driver": 4}[how])
print("attached", flush=True)
if how == "link":
    sys.stdin.read()
