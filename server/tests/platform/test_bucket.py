"""Files in a bucket of an S3-compatible store that servers share; moto's server stands for the store."""

import os
import re
import subprocess
import sys

import pytest
import requests

from kit import PROGRAM, Platform, Site, face, free_port, wait

# Credentials for the store; moto takes any.
KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something", "AWS_REGION": "eu-central-1"}


@pytest.fixture(scope="module")
def store():
    """The address of a store with the bucket `avatars`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stderr=subprocess.DEVNULL)

    def made():
        try:
            return requests.put(f"{url}/avatars", timeout=5).ok
        except requests.ConnectionError:
            return False

    wait(made, "moto")
    yield url
    server.terminate()
    server.wait()


def kept(store):
    """The names of all files in the bucket."""
    listed = requests.get(f"{store}/avatars?list-type=2&max-keys=1000", timeout=5)
    assert listed.ok, listed.text
    return sorted(re.findall("<Key>([^<]+)</Key>", listed.text))


def test_servers_share_a_bucket(store, postgres, tmp_path):
    environment = {**KEYS, "AWS_ENDPOINT_URL": store, "DATABASE_URL": postgres, "BITHUMAN_FILES": "s3://avatars/site-1"}
    with Site({"face.jpg": face()}) as site, Platform(environment=environment, data=tmp_path / "one") as one:
        with Platform(environment=environment, data=tmp_path / "two", keyed=False) as two:
            two.key = one.key
            code = one.agent(image=f"{site.url}/face.jpg", model="expression-2")
            video = one.video(code)
            names = kept(store)
            assert [name.split("/")[:2] for name in names] == [["site-1", kind] for kind in ("images", "models", "videos")]
            # The other one has neither the picture nor the avatar in its folder, and yet all that it needs.
            own = [two.url + url.removeprefix(one.url) for url in (video["video_url"], one.get(f"/v1/agent/{code}")["data"]["model_url"])]
            film, model = [requests.get(url, timeout=30) for url in own]
            assert film.content[4:8] == b"ftyp" and model.content[:4] == b"IMX\0"
            part = requests.get(own[0], headers={"range": "bytes=4-7"}, timeout=30)
            assert (part.status_code, part.content) == (206, b"ftyp")
            given = {"agent_id": code, "fingerprint": "9f3c8b1a2d4e5f6789ab"}
            token = two.post("/v1/embed-tokens/request", given)["data"]["token"]
            assert requests.get(f"{two.url}/embed/{code}?token={token}", timeout=30).status_code == 200
            again = two.video(code)
            assert len(kept(store)) == len(names) + 1 and again["video_url"].startswith(two.url)
            # A file that one deletes the other doesn't give from its cache.
            assert one.ask("DELETE", f"/v1/agent/{code}").status_code == 200
            assert [requests.get(url, timeout=30).status_code for url in own] == [404, 404]
            wait(lambda: kept(store) == [], "the bucket is empty")


@pytest.mark.parametrize(
    ("address", "says"),
    [("s3://nobody/here", "s3://nobody/here can't be used"), ("https://example.org/x", "give one like s3://")],
)
def test_a_bucket_that_is_none_is_refused(store, tmp_path, address, says):
    environment = {**os.environ, **KEYS, "AWS_ENDPOINT_URL": store}
    command = [PROGRAM, "serve", "--brain", "script", "--port", "0", "--data", str(tmp_path), "--files", address]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode != 0 and says in ended.stderr, ended
