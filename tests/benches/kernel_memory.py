#!/usr/bin/env python3
"""What the kernel keeps for a TCP connection at rest: opens pairs over loopback, both ends watched by an epoll, has each say something
to the other as a handshake does, and tells by how much its slabs have grown for each end. One round a run: what is closed goes back to
the system only later, and a second round would be served from it. Other programs that open and close things meanwhile are in the figure.

    kernel_memory.py [PAIRS=9000]
"""

import resource
import select
import socket
import sys


def slabs():
    """Bytes in the kernel's slabs, in use or to be given back."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Slab:"))


def measure(pairs):
    """Opens so many pairs; bytes an end."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    epoll = select.epoll()
    before = slabs()
    ends = []
    for _ in range(pairs):
        ends.append(socket.create_connection(listener.getsockname()))
        ends.append(listener.accept()[0])
        for end, other in (ends[-2:], ends[:-3:-1]):
            epoll.register(end, select.EPOLLIN | select.EPOLLET)
            end.sendall(b"x" * 200)
            assert len(other.recv(4096)) == 200
    return (slabs() - before) / len(ends)


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 9_000
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * pairs + 64
    if wanted > most:
        sys.exit(f"{pairs} pairs need {wanted} descriptors, and {most} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    print(f"{measure(pairs):.0f} bytes an end")


main()
