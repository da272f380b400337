"""Two networks with a line between them: the server's, in which this process is, and the candidate's, in which the browser is.

`enter` runs a module of ours in a new network namespace, the server's. Inside, a `Line` makes the other one and joins them. The
browser finds the server under its loopback address, as in all tests (a secure context without a certificate); on the way there
are two interfaces, whose packets the kernel loses, cuts, slows down or redirects. Nothing outside feels it, and it ends with
the processes. Needs root, iproute2 and iptables.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.chromium import CHROMIUM

from .udp_relay import MARK

ROOT = Path(__file__).resolve().parents[2]
SERVER, CANDIDATE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "192.0.2.77"
NEAR, FAR = "proview0", "proview1"
PROBE = f"ip link add {NEAR} type veth peer name {FAR} && iptables -t nat -A OUTPUT -m mark --mark 1 -j ACCEPT && iptables -A INPUT -m statistic --mode random --probability 0.5 -j DROP"


def why_not() -> str | None:
    """What is missing for namespaces here, None when they can be made."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("unshare", "nsenter", "ip", "iptables", "tc"):
        if shutil.which(program) is None:
            return f"{program} is missing: run `make system`"
    answer = subprocess.run(
        ["unshare", "-n", "sh", "-c", PROBE], capture_output=True, text=True, timeout=30, check=False
    )
    return None if answer.returncode == 0 else f"no network namespace here: {answer.stderr.strip()}"


def enter(module: str, arguments: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """``python -m module arguments`` in a namespace of its own."""
    argv = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-m", module]
    return subprocess.run(
        [*argv, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=timeout_s, check=False
    )


class Line:
    """``with Line(folder) as line:`` has a browser behind it, ``line.browser``, which finds what ``line.lead`` leads to."""

    def __init__(self, folder: Path) -> None:
        self._port = 0
        self.browser = folder / "chromium"
        self._far: list[str] = []
        self._moved = False

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        self._far = ["nsenter", "-t", str(self._holder.pid), "-n"]
        # Until the program runs in its namespace, its process is still in ours.
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self._holder.pid}/ns/net") == ours:
            pass
        self._here(f"ip link add {NEAR} type veth peer name {FAR} netns {self._holder.pid}")
        self._here(f"ip addr add {SERVER}/24 dev {NEAR}")
        self._here(f"ip link set {NEAR} up")
        self._there("ip link set lo up")
        self._there(f"ip link set {FAR} up")
        self._address(CANDIDATE)
        # Loopback addresses may leave the machine only where this allows it.
        self._here(f"sh -c 'echo 1 > /proc/sys/net/ipv4/conf/{NEAR}/route_localnet'")
        self._there(f"sh -c 'echo 1 > /proc/sys/net/ipv4/conf/{FAR}/route_localnet'")
        self._there(f"iptables -t nat -A POSTROUTING -o {FAR} -s 127.0.0.1 -j MASQUERADE")
        self.browser.write_text(f'#!/bin/sh\nexec {shlex.join(self._far)} {CHROMIUM} "$@"\n')
        self.browser.chmod(0o755)
        return self

    def __exit__(self, *exc: object) -> None:
        self._holder.kill()
        self._holder.wait()

    def lead(self, port: int) -> None:
        """The browser reaches this port of the server under the same name."""
        self._port = port
        self._there(f"iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport {port} -j DNAT --to-destination {SERVER}")
        self.through(port)

    def through(self, port: int) -> None:
        """New connections reach this port instead, a relay's; those that are there stay as they are."""
        self._here("iptables -t nat -F PREROUTING")
        self._here(
            f"iptables -t nat -A PREROUTING -i {NEAR} -p tcp --dport {self._port} -j DNAT --to-destination 127.0.0.1:{port}"
        )

    def divert(self, relays: Mapping[int, int]) -> None:
        """Datagrams to these ports come by the relays; whatever has not been through one is dropped."""
        for port, relay in relays.items():
            self._here(f"iptables -t nat -A PREROUTING -i {NEAR} -p udp --dport {port} -j REDIRECT --to-ports {relay}")
            self._here(f"iptables -A OUTPUT -o {NEAR} -p udp --sport {port} -m mark ! --mark {MARK} -j DROP")

    def lose(self, share: float, protocol: str = "tcp") -> None:
        """From now on this share of the packets, and the same share of what comes back; 1 is a cut that nobody is told of."""
        chance = f"-m statistic --mode random --probability {share}" if share < 1 else ""
        for run, interface in ((self._here, NEAR), (self._there, FAR)):
            run(f"iptables -t mangle -A PREROUTING -i {interface} -p {protocol} {chance} -j DROP")

    def slow(self, kbit: int) -> None:
        """So many kbit/s in each direction, with a second of queue."""
        for run, interface in ((self._here, NEAR), (self._there, FAR)):
            run(f"tc qdisc replace dev {interface} root tbf rate {kbit}kbit burst 8kb latency 1000ms")

    def mend(self, *, through: int | None = None) -> None:
        """As in the beginning, but for a relay that is kept."""
        for run, interface in ((self._here, NEAR), (self._there, FAR)):
            run("iptables -t mangle -F PREROUTING")
            run(f"sh -c 'tc qdisc del dev {interface} root 2>/dev/null || true'")
        self._here("iptables -F OUTPUT")
        self.through(through or self._port)
        if self._moved:
            self._move(CANDIDATE)

    def move(self) -> None:
        """The candidate's machine gets another address: another Wi-Fi."""
        self._move(ELSEWHERE)

    def _move(self, address: str) -> None:
        self._moved = address != CANDIDATE
        self._there(f"ip addr flush dev {FAR}")
        self._address(address)

    def dropped(self) -> int:
        """Packets that the rules of `lose` have swallowed."""
        listed = self._here("iptables -t mangle -L PREROUTING -v -x -n") + self._there(
            "iptables -t mangle -L PREROUTING -v -x -n"
        )
        return sum(int(line.split()[0]) for line in listed.splitlines() if "DROP" in line)

    def _address(self, address: str) -> None:
        self._there(f"ip addr add {address}/24 dev {FAR}")
        self._there(f"ip route replace default via {SERVER}")

    def _here(self, command: str) -> str:
        return subprocess.run(shlex.split(command), check=True, stdout=subprocess.PIPE, text=True).stdout

    def _there(self, command: str) -> str:
        return self._here(shlex.join([*self._far, *shlex.split(command)]))
