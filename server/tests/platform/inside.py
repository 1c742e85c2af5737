"""Run in a network and a mount table of its own: a public address leads here, and so do names that lie."""

import pathlib
import socket
import struct
import subprocess
import tempfile
import threading

from kit import Platform, Site, face

PUBLIC = "93.184.216.34"
NAMES = {"public.test": [PUBLIC], "private.test": ["127.0.0.1"], "both.test": [PUBLIC, "127.0.0.1"]}
# Leads outside when it is asked for, and inside the next time.
TURNS = [PUBLIC, "127.0.0.1"]


def answer(query, turn):
    """The addresses of a name, to A questions; none to others."""
    name, at = [], 12
    while query[at]:
        name.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    kind, name = query[at + 1 : at + 3], ".".join(name)
    found = [TURNS[turn % 2]] if name == "turn.test" else NAMES.get(name, [])
    found = found if kind == b"\0\1" else []
    records = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address) for address in found)
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0) + query[12 : at + 5] + records


def name_server():
    server, turn = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
    server.bind(("127.0.0.1", 53))

    def serve():
        nonlocal turn
        while True:
            query, peer = server.recvfrom(4096)
            server.sendto(answer(query, turn), peer)
            turn += query[-4:-2] == b"\0\1"

    threading.Thread(target=serve, daemon=True).start()


def main():
    for command in ("link set lo up", f"addr add {PUBLIC}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    resolver = pathlib.Path(tempfile.mkdtemp()) / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(resolver), "/etc/resolv.conf"], check=True)
    name_server()
    with Site({"face.jpg": face()}, ("0.0.0.0", 80)) as site, Platform() as platform:
        platform.kill()
        platform.arguments.remove("--allow-private-urls")
        platform.start()
        site.reached.clear()
        upload = lambda url: platform.ask("POST", "/v1/files/upload", json={"file_url": url}).status_code
        good = upload("http://public.test/face.jpg")
        assert good == 200 and site.reached == {PUBLIC}, (good, site.reached)
        assert upload("http://public.test/to?http://public.test/face.jpg") == 200
        for url in ("127.0.0.1", "private.test", "[::1]", "169.254.169.254"):
            assert upload(f"http://{url}/face.jpg") == 400, url
            assert upload(f"http://public.test/to?http://{url}/face.jpg") == 400, url
        for _ in range(8):
            upload("http://both.test/face.jpg")
            upload("http://turn.test/face.jpg")
        assert site.reached == {PUBLIC}, site.reached


if __name__ == "__main__":
    main()
