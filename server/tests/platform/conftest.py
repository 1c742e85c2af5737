"""A Postgres of the tests' own."""

import os
import pathlib
import shutil
import subprocess

import pytest

from kit import free_port, wait


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """Where its programs are, and its port."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if not initdb:
        pytest.skip("no postgresql here")
    programs = pathlib.Path(initdb).parent
    folder = tmp_path_factory.mktemp("postgres")
    folder.chmod(0o755)
    data = folder / "data"
    # It refuses to run as root.
    user = []
    if os.geteuid() == 0:
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        for parent in folder.parents:
            if parent.owner() == "root" and parent != pathlib.Path("/tmp") and str(parent).startswith("/tmp"):
                parent.chmod(0o755)
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    subprocess.run([*user, initdb, "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"], check=True, capture_output=True)
    port = free_port()
    # Kept from the disk's own pace: what is tested is who takes a job.
    options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    server = subprocess.Popen([*user, str(programs / "postgres"), "-D", str(data), *options], stderr=subprocess.DEVNULL)
    ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
    wait(lambda: subprocess.run(ready, capture_output=True).returncode == 0, "postgres")
    yield programs, port
    server.terminate()
    server.wait()


@pytest.fixture
def postgres(postgres_server, request):
    """The address of a database that is new."""
    programs, port = postgres_server
    name = request.node.name.lower()
    subprocess.run([str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", name], check=True)
    return f"postgres://postgres@127.0.0.1:{port}/{name}"
