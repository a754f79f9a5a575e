"""A TCP proxy whose connections can be cut under both of their ends, as load balancers and firewalls do."""

import socket
import threading


class Proxy:
    """Takes connections at once; where they go is said later. Its threads end with their sockets."""

    def __init__(self, port):
        self.address = f"127.0.0.1:{port}"
        self.target = None
        self.lock = threading.Lock()
        self.pairs = []
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self.target, timeout=5)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            with self.lock:
                self.pairs.append((client, broker))
            for source, sink in ((client, broker), (broker, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        Proxy._end(source)
        Proxy._end(sink)

    @staticmethod
    def _end(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        """All connections that there are; those that are made next live on."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for client, broker in pairs:
            self._end(client)
            self._end(broker)
        self.cuts += 1
        return len(pairs)

    def close(self):
        self.listener.close()
        self.cut()
