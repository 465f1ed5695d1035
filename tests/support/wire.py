"""A wire between a program and a server, which is cut when certain bytes pass."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress

from tests.support.command import HANGING
from tests.support.postgres import HOST


class Wire:
    """Listens on `port`; it is cut when `cut_at` passes, if that is not empty."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_at = b""
        self._near: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                near, _ = self._listener.accept()
                self._near.append(near)
                self._threads.append(threading.Thread(target=self._carry, args=(near,)))
                self._threads[-1].start()

    def _carry(self, near: socket.socket) -> None:
        with near, socket.create_connection((HOST, self._to)) as far, suppress(OSError):
            for end in (near, far):  # many small messages, none of which waits for the next
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(65_536)
                    if not data or (self.cut_at and self.cut_at in data):
                        return
                    (far if source is near else near).sendall(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for near in self._near:  # a test that failed leaves connections open
            with suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(HANGING)
