#!/usr/bin/env python3
"""What one nats-server carries that several nodes publish through: starts one of its own (2.9 or newer, in PATH or /usr/sbin), and tells

  fan-out        for 1, 3, 10 and 30 subscribers of all subjects: messages in and out a second, and the server's CPU time for each message
                 that it hands out; the publisher waits while a subscriber is 4 MiB behind, so nothing is dropped
  subscriptions  the server's memory for each, and how long it takes to hear of all of them again after it was away
  slow consumer  how much the server keeps for a subscriber that does not read, and after how long it lets go of it

    nats.py [--size 200] [--subjects 1000] [--seconds 2] [--connections 100] [--subscriptions 8000]
"""

import argparse
import json
import os
import selectors
import shutil
import socket
import subprocess
import tempfile
import time

BEHIND = 4 << 20


class Server:
    """A server that runs until the block ends."""

    def __init__(self):
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        self.program = shutil.which("nats-server", path=path) or exit("needs nats-server")

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.log = f"{self.folder.name}/log"
        where = ["--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", self.folder.name, "--log", self.log]
        self.child = subprocess.Popen([self.program, *where])
        file = f"{self.folder.name}/nats-server_{self.child.pid}.ports"
        while not os.path.exists(file) or not os.path.getsize(file):
            time.sleep(0.02)
        with open(file, encoding="ascii") as ports:
            self.port = int(json.load(ports)["nats"][0].rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.folder.cleanup()

    def cpu(self):
        """Seconds that it has been at work."""
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def has_logged(self, words):
        with open(self.log, encoding="utf-8") as log:
            return words in log.read()

    def memory(self):
        """Bytes that are resident."""
        with open(f"/proc/{self.child.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Client:
    """A connection that has said hello."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.info = json.loads(self.line()[5:])
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
        self.settle()
        self.heard = 0

    def line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.socket.recv(1)
        return line

    def settle(self):
        """Waits until the server has taken all that was said."""
        self.socket.sendall(b"PING\r\n")
        while self.line() != b"PONG\r\n":
            pass

    def subscribe(self, subjects):
        self.socket.sendall(b"".join(b"SUB %s %d\r\n" % (name, 10**6 + i) for i, name in enumerate(subjects)))
        self.settle()


def names(count):
    """Subjects, all of one length."""
    return [b"wharf.bench.group.%012d" % i for i in range(count)]


def fan_out(server, options, subscribers):
    """Publishes to so many; messages in and out a second, and the server's CPU time a message that goes out."""
    subjects = names(options.subjects)
    readers = [Client(server) for _ in range(subscribers)]
    for reader in readers:
        reader.subscribe(subjects)
        reader.socket.setblocking(False)
    publisher = Client(server)
    message = b"PUB %s %d\r\n" % (subjects[0], options.size) + b"x" * options.size + b"\r\n"
    delivered = len(b"MSG %s 1000000 %d\r\n" % (subjects[0], options.size)) + options.size + 2
    burst = max(1, 65536 // len(message))
    bursts = [
        b"".join(message.replace(subjects[0], subjects[(at + i) % len(subjects)]) for i in range(burst))
        for at in range(0, len(subjects), burst)
    ]
    selector = selectors.DefaultSelector()
    for reader in readers:
        selector.register(reader.socket, selectors.EVENT_READ, reader)
    sent, began, worked = 0, time.monotonic(), server.cpu()
    while True:
        over = time.monotonic() - began >= options.seconds
        wanted = sent * delivered
        slowest = min(reader.heard for reader in readers)
        if over and slowest == wanted:
            break
        if not over and wanted - slowest < BEHIND:
            publisher.socket.sendall(bursts[sent // burst % len(bursts)])
            sent += burst
            wait = 0
        else:
            wait = 5
        for key, _ in selector.select(wait):
            # The server asks for a sign of life only every other minute.
            key.data.heard += len(key.data.socket.recv(1 << 20))
    took, worked = time.monotonic() - began, server.cpu() - worked
    out = sent * subscribers
    for client in [*readers, publisher]:
        client.socket.close()
    return sent / took, out / took, worked / out * 1e6, worked / took


def subscriptions(server, options):
    """Bytes a subscription, and the seconds in which as many connections as that tell theirs."""
    clients = [Client(server) for _ in range(options.connections)]
    before, began, worked = server.memory(), time.monotonic(), server.cpu()
    subjects = names(options.subscriptions)
    for client in clients:
        client.subscribe(subjects)
    took, worked = time.monotonic() - began, server.cpu() - worked
    count = options.connections * options.subscriptions
    grown = server.memory() - before
    for client in clients:
        client.socket.close()
    return count, grown / count, took, worked / count * 1e6


def slow_consumer(server, options):
    """MiB that were published, and seconds, until a subscriber that does not read is let go."""
    subject = names(1)
    idle, publisher = Client(server), Client(server)
    idle.subscribe(subject)
    message = b"PUB %s %d\r\n" % (subject[0], options.size) + b"x" * options.size + b"\r\n"
    burst = message * (65536 // len(message))
    before, most, sent, began = server.memory(), 0, 0, time.monotonic()
    publisher.socket.settimeout(30)
    # The end of the connection stands behind what its reader has not read, so it is the server that is asked.
    while not server.has_logged("Slow Consumer"):
        publisher.socket.sendall(burst)
        sent += len(burst)
        most = max(most, server.memory() - before)
    return sent / 2**20, most / 2**20, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    for name, value in [("size", 200), ("subjects", 1000), ("connections", 100), ("subscriptions", 8000)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    with Server() as server:
        info = Client(server).info
        print(f"nats-server {info['version']}, payloads of at most {info['max_payload']} bytes")
        print("| subscribers | in a second | out a second | server's CPU, µs a message out | its CPU, cores |")
        print("|--:|--:|--:|--:|--:|")
        for count in [1, 3, 10, 30]:
            came, went, cost, cores = fan_out(server, options, count)
            print(f"| {count} | {came:,.0f} | {went:,.0f} | {cost:.2f} | {cores:.2f} |", flush=True)
    with Server() as server:
        count, each, took, cost = subscriptions(server, options)
        print(f"{count:,} subscriptions: {each:.0f} B each, told in {took:.1f} s, {cost:.1f} µs of the server's CPU each")
    with Server() as server:
        sent, kept, took = slow_consumer(server, options)
        print(f"a subscriber that does not read: let go after {took:.1f} s and {sent:.0f} MiB, of which {kept:.0f} MiB were kept")


main()
