"""The network inside: `lo` alone, and every address there is leads to it.

Spoken to the kernel in netlink, because the programs for it are not everywhere.
"""

import fcntl
import os
import socket
import struct

_LO = 1
"""The index of `lo` in every new network namespace."""
_SIOCGIFFLAGS = 0x8913
_IFF_UP = 1

_NLMSG_ERROR = 2
_RTM_NEWLINK = 16
_RTM_NEWROUTE = 24
_REQUEST_AND_ACKNOWLEDGE = 1 | 4
_CREATE = 0x400

_RTA_OIF = 4
_TABLE_LOCAL = 255
_PROTOCOL_STATIC = 4
_SCOPE_HOST = 254
_TYPE_LOCAL = 2


def bring_up() -> None:
    """Bring `lo` up and make every address one of this machine's. Raises OSError.

    Only a network that nobody uses yet is changed: `lo` alone, and down.
    """
    if socket.if_nameindex() != [(_LO, "lo")] or _is_up("lo"):
        raise PermissionError("this network is in use, and not one of its own")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        up = struct.pack("=BxHiII", 0, 0, _LO, _IFF_UP, _IFF_UP)
        _ask(netlink, _RTM_NEWLINK, 0, up)
        for family in (socket.AF_INET, socket.AF_INET6):
            route = struct.pack(
                "=BBBBBBBBI",
                family,
                *(0, 0, 0),  # to everywhere, from everywhere, whatever the service
                *(_TABLE_LOCAL, _PROTOCOL_STATIC, _SCOPE_HOST, _TYPE_LOCAL),
                0,
            )
            _ask(netlink, _RTM_NEWROUTE, _CREATE, route + struct.pack("=HHI", 8, _RTA_OIF, _LO))


def _is_up(interface: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
        answer = fcntl.ioctl(anything, _SIOCGIFFLAGS, struct.pack("=16s16x", interface.encode()))
    (flags,) = struct.unpack_from("=H", answer, 16)
    return bool(flags & _IFF_UP)


def _ask(netlink: socket.socket, kind: int, flags: int, payload: bytes) -> None:
    header = struct.pack("=IHHII", 16 + len(payload), kind, flags | _REQUEST_AND_ACKNOWLEDGE, 1, 0)
    netlink.send(header + payload)
    answer = netlink.recv(65536)
    (answered,) = struct.unpack_from("=H", answer, 4)
    assert answered == _NLMSG_ERROR, "the kernel acknowledges with an error, or with number 0"
    (error,) = struct.unpack_from("=i", answer, 16)
    if error:
        raise OSError(-error, os.strerror(-error))
