"""A throw-away PostgreSQL server with databases; its files go when it ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import pg8000.native  # type: ignore[import-untyped]

HOST = "127.0.0.1"
HANGING = 600
"""Seconds after which a server that neither starts nor ends is taken for dead."""
OWNER = "heyi"
_NUMBERS = count()


def programs() -> Path | None:
    """The folder with the programs of the newest PostgreSQL server, None if there is no server."""
    on_path = shutil.which("postgres")
    found = [Path(on_path)] if on_path else []
    found += Path("/usr/lib/postgresql").glob("*/bin/postgres")  # where Debian has them
    folders = [p.parent for p in found if (p.parent / "initdb").exists()]
    return max(folders, key=lambda p: [int(n) for n in p.parts if n.isdigit()], default=None)


class PostgresServer:
    """A server on a port of this machine; `sql` runs statements in a database of it."""

    def __init__(self, port: int, start: Callable[[], subprocess.Popen[bytes]], said: Path) -> None:
        self.port = port
        self._start = start
        self._said = said
        self._server = self._begun()

    def url(self, database: str, *, port: int | None = None) -> str:
        return f"postgresql+pg8000://{OWNER}@{HOST}:{port or self.port}/{database}"

    def sql(self, statement: str, *, database: str = "postgres") -> list[list[object]]:
        with closing(
            pg8000.native.Connection(OWNER, host=HOST, port=self.port, database=database)
        ) as connection:
            rows: list[list[object]] = connection.run(statement) or []
            return rows

    def end_connections(self, name: str) -> None:
        """End the connections that a database has now, and wait until they are gone."""
        others = f"FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
        ended = [row[0] for row in self.sql(f"SELECT pid, pg_terminate_backend(pid) {others}")]
        until = time.monotonic() + HANGING
        while time.monotonic() < until:
            if not {row[0] for row in self.sql(f"SELECT pid {others}")} & {*ended}:
                return
            time.sleep(0.01)

    def kill_and_start(self) -> None:
        """Kill the server with all its processes, as a power cut does, and start it again."""
        children = self._children()
        self._server.kill()
        for child in children:
            with suppress(ProcessLookupError):  # it noticed that its server died
                os.kill(child, signal.SIGKILL)
        self._server.wait(timeout=HANGING)
        self._server = self._begun()

    def stop(self) -> None:
        self._server.send_signal(signal.SIGINT)  # end all connections, then stop
        self._server.wait(timeout=HANGING)

    def _begun(self) -> subprocess.Popen[bytes]:
        # Until the kernel has ended every process of a killed server, it refuses to start again.
        until = time.monotonic() + HANGING
        while time.monotonic() < until:
            server = self._start()
            if _answers(server, self.port):
                return server
            time.sleep(0.05)
        raise RuntimeError(
            f"the PostgreSQL server did not start: {self._said.read_text('utf-8', 'replace')}"
        )

    def _children(self) -> list[int]:
        found = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children")
        return [int(pid) for pid in found.read_text().split()] if found.exists() else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a fresh database."""
        name = f"log_{next(_NUMBERS)}"
        self.sql(f"CREATE DATABASE {name}")
        yield name
        self.sql(f"DROP DATABASE {name} WITH (FORCE)")


def _as_owner() -> tuple[list[str], tuple[int, int] | None]:
    """How to run a program as an ordinary user, and the numbers of that user; servers refuse root.

    The kernel ends the server if the tests end without doing so.
    """
    dying = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    if os.geteuid() != 0:
        return dying, None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    group = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *group, *dying], (user.pw_uid, user.pw_gid)


def _free_port() -> int:
    with closing(socket.create_server((HOST, 0))) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def serving() -> Iterator[PostgresServer]:
    """Run a server until the block ends.

    Raises:
        RuntimeError: PostgreSQL is not installed, or does not start.
    """
    found = programs()
    if found is None:
        raise RuntimeError("PostgreSQL's server is not installed")
    words, owner = _as_owner()
    # Not below the folder of the tests: another user must be able to enter it.
    folder = Path(tempfile.mkdtemp(prefix="heyi-postgres-"))
    try:
        if owner is not None:
            os.chown(folder, *owner)
        data = folder / "data"
        with (folder / "said.txt").open("ab") as told:
            subprocess.run(
                [*words, found / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8",
                 "--locale=C.UTF-8", f"--username={OWNER}", data],
                check=True, stdout=told, stderr=told, cwd=folder, timeout=HANGING,
            )  # fmt: skip
        port = _free_port()
        settings = {"port": port, "listen_addresses": HOST, "unix_socket_directories": ""}

        def start() -> subprocess.Popen[bytes]:
            with (folder / "said.txt").open("ab") as told:
                options = [f"--{k}={v}" for k, v in settings.items()]
                return subprocess.Popen(
                    [*words, found / "postgres", "-D", data, *options],
                    stdout=told, stderr=told, cwd=folder,
                )  # fmt: skip

        server = PostgresServer(port, start, folder / "said.txt")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until a server that was started answers; no if it ended."""
    until = time.monotonic() + HANGING
    while time.monotonic() < until and server.poll() is None:
        try:
            pg8000.native.Connection(OWNER, host=HOST, port=port, database="postgres").close()
            return True
        except (pg8000.native.InterfaceError, pg8000.native.DatabaseError):
            time.sleep(0.05)  # it does not listen yet, or it still starts
    return False
