"""A TCP proxy that cuts connections on demand: the network's worst habit, in one process.

Knows bytes, not gRPC.
"""

from __future__ import annotations

import socket
import struct
import threading

#: Small enough that a cut lands inside a response, not after it.
PIECE = 16 * 1024

#: Makes close() send RST, as a dying host or a middlebox does, instead of a polite FIN.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Forwards 127.0.0.1:<port> to a target. Use as a context manager.

    `cut_after` lists byte counts: whenever the bytes that came from the target since the last cut
    pass the next of them, every open connection is reset. `cuts` counts the resets done.
    """

    def __init__(self, host: str, port: int, cut_after: list[int]) -> None:
        self._target = (host, port)
        self._lock = threading.Lock()
        self._left = list(cut_after)  # guarded by _lock
        self._passed = 0  # guarded by _lock
        self._open: set[socket.socket] = set()  # guarded by _lock
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while piece := source.recv(PIECE):
                sink.sendall(piece)
                if counted:
                    self._count(len(piece))
        except OSError:
            pass
        self._close({source, sink})

    def _count(self, size: int) -> None:
        with self._lock:
            self._passed += size
            if not self._left or self._passed < self._left[0]:
                return
            self._left.pop(0)
            self._passed = 0
            self.cuts += 1
        self.cut()

    def cut(self) -> None:
        """Resets every open connection; new ones are accepted at once."""
        with self._lock:
            doomed, self._open = self._open, set()
        self._close(doomed)

    def _close(self, sockets: set[socket.socket]) -> None:
        with self._lock:
            self._open -= sockets
        for one in sockets:
            try:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()
