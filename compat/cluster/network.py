"""Network namespaces: each node of a cluster has an address, and links that can be cut, in one direction or both.

A bridge joins them; this machine has the first address. A direction is cut by a permanent entry in the sender's table
of neighbours that names a hardware address which nobody has: packets are lost without a word, as by a broken switch.
"""

import os
import shutil
import subprocess

NOBODY = "02:00:00:00:00:fe"


def _run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"


def why_not():
    """Why there can be no namespaces here; empty if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "ip is missing (Debian: apt-get install iproute2)"
    return ""


class Place:
    """Where a node runs. `prefix` begins each command there."""

    def __init__(self, network, number):
        self.network = network
        self.host = network.host(number)
        self.name = f"{network.name}n{number}"
        self.outside = f"{network.name}v{number}"  # the end of its cable at the bridge
        self.prefix = ["ip", "netns", "exec", self.name]
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", self.outside, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _run("ip", "link", "set", self.outside, "master", network.name, "up")
        self.inside("link", "set", "lo", "up")
        self.inside("link", "set", "eth0", "up")
        self.inside("address", "add", f"{self.host}/24", "dev", "eth0")

    def inside(self, *words):
        _run("ip", "-n", self.name, *words)

    def unplug(self):
        _run("ip", "link", "set", self.outside, "down")

    def plug_in(self):
        _run("ip", "link", "set", self.outside, "up")

    def lose_packets_to(self, host):
        self.inside("neighbour", "replace", host, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")

    def send_packets_to(self, host):
        self.inside("neighbour", "delete", host, "dev", "eth0")

    def remove(self):
        # The kernel takes a namespace down later, and the cable's name would be in use until then.
        subprocess.run(["ip", "link", "delete", self.outside], capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True)


class Network:
    """The namespaces of one cluster; `with` removes them."""

    def __init__(self):
        self.number = os.getpid() % 200
        self.name = f"mln{os.getpid() % 100000}"
        self.places = {}

    def host(self, number):
        return f"10.213.{self.number}.{number}"

    def __enter__(self):
        _run("ip", "link", "add", self.name, "type", "bridge")
        _run("ip", "address", "add", f"{self.host(254)}/24", "dev", self.name)
        _run("ip", "link", "set", self.name, "up")
        return self

    def __exit__(self, *_):
        for place in self.places.values():
            place.remove()
        subprocess.run(["ip", "link", "delete", self.name], capture_output=True)

    def place(self, node_id):
        """For the node of this id, below 254."""
        if node_id not in self.places:
            self.places[node_id] = Place(self, node_id)
        return self.places[node_id]

    def lose_packets_to(self, host):
        """Those of this machine: of the clients."""
        _run("ip", "neighbour", "replace", host, "lladdr", NOBODY, "dev", self.name, "nud", "permanent")

    def send_packets_to(self, host):
        _run("ip", "neighbour", "delete", host, "dev", self.name)
