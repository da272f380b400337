"""A network of its own for one process tree: losses and cuts of a port that nothing outside feels, and that end with the processes.

`enter` runs a module of ours in a new network namespace; inside, a `Line` is the way to one port. Needs root, iproute2 and iptables.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A browser says that it is offline where nothing but loopback is up.
SETUP = (
    "ip link set lo up && ip link add proview0 type veth peer name proview1"
    " && ip addr add 192.0.2.1/24 dev proview0 && ip link set proview0 up && ip link set proview1 up"
)


def why_not() -> str | None:
    """What is missing for namespaces here, None when they can be made."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("unshare", "ip", "iptables"):
        if shutil.which(program) is None:
            return f"{program} is missing: run `make system`"
    probe = ["unshare", "-n", "sh", "-c", f"{SETUP} && iptables -A INPUT {' '.join(loss_rule(1, 'dport', 0.5))}"]
    answer = subprocess.run(probe, capture_output=True, text=True, timeout=30, check=False)
    return None if answer.returncode == 0 else f"no network namespace here: {answer.stderr.strip()}"


def enter(module: str, arguments: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """``python -m module arguments`` in a namespace of its own."""
    script = f'{SETUP} && exec "$@"'
    argv = ["unshare", "-n", "sh", "-c", script, "sh", sys.executable, "-m", module, *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


def loss_rule(port: int, side: str, share: float) -> list[str]:
    chance = ["-m", "statistic", "--mode", "random", "--probability", f"{share}"] if share < 1 else []
    return ["-i", "lo", "-p", "tcp", f"--{side}", str(port), *chance, "-j", "DROP"]


class Line:
    """The way to a port of this namespace, both directions."""

    def __init__(self, port: int) -> None:
        self._port = port

    def lose(self, share: float) -> None:
        """From now on this share of the packets, and the same share of what comes back; 1 is a cut that nobody is told of."""
        self.mend()
        for side in ("dport", "sport"):
            subprocess.run(["iptables", "-A", "INPUT", *loss_rule(self._port, side, share)], check=True)

    def mend(self) -> None:
        subprocess.run(["iptables", "-F", "INPUT"], check=True)

    def dropped(self) -> int:
        """Packets that the rules have swallowed."""
        answer = subprocess.run(
            ["iptables", "-L", "INPUT", "-v", "-x", "-n"], check=True, capture_output=True, text=True
        )
        return sum(int(line.split()[0]) for line in answer.stdout.splitlines() if "DROP" in line)
