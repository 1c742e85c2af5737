"""Every kind of failure: the right exception, with words that help; and one table, the same as the header's."""

from __future__ import annotations

import asyncio
import importlib.util
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Type

import bithuman
import numpy as np
import pytest
from bithuman import AsyncBithuman, Bithuman, _abi, exceptions
from bithuman._library import lib
from bithuman._session import Session
from bithuman.exceptions import BY_KIND, BithumanError
from conftest import MIKA, ROOT, SPEECH, TOY, Pcm

BAD = ROOT / "testdata/bad"
FAILING = ROOT / "testdata/avatars/toy_failing.imx"


def header_kinds() -> "dict[str, int]":
    """Kinds of errors by their statuses in the header."""
    header = (ROOT / "include/essence.h").read_text(encoding="utf-8")
    return {name.lower(): int(value) for name, value in re.findall(r"\bESSENCE_ERR_(\w+) = (-\d+)", header)}


def test_the_table_is_the_headers() -> None:
    kinds = header_kinds()
    assert len(kinds) == 13 and set(kinds) == set(BY_KIND)
    for kind, status in kinds.items():
        error = _abi.exception(status, "words")
        assert type(error) is BY_KIND[kind] and str(error) == "words"
        assert getattr(lib, f"ESSENCE_ERR_{kind.upper()}") == status


def test_kinds_codes_and_classes_belong_together() -> None:
    assert len(set(BY_KIND.values())) == len(BY_KIND), "a class for each kind"
    codes = [exception.code for exception in BY_KIND.values()]
    assert len(set(codes)) == len(codes), "a code for each kind"
    for name in exceptions.__all__:
        exception = getattr(exceptions, name)
        assert issubclass(exception, BithumanError) and exception.__doc__
        assert getattr(bithuman, name) is exception
        copy = pickle.loads(pickle.dumps(exception("words")))
        assert type(copy) is exception and str(copy) == "words" and copy.code == exception.code
        assert repr(exception("words")) == f"{name}('words')"
    for exception, code in (
        (bithuman.ModelNotFoundError, "model_not_found"),
        (bithuman.ModelLoadError, "model_load_failed"),
        (bithuman.ModelError, "model_error"),
        (bithuman.RuntimeNotReadyError, "runtime_not_ready"),
        (bithuman.ExecutionProviderRefused, "execution_provider_refused"),
        (bithuman.AccountStatusError, "account_status_invalid"),
    ):
        assert exception.code == code
    assert BithumanError("words", code="other").code == "other"


def test_a_status_that_this_package_does_not_know_is_a_bug_with_its_name() -> None:
    assert isinstance(_abi.exception(-12345, ""), bithuman.InternalError)


@pytest.mark.parametrize(
    ("file", "exception", "words"),
    [
        ("no-such-file.imx", bithuman.ModelNotFoundError, "no-such-file.imx"),
        ("truncated.imx", bithuman.ModelLoadError, r"truncated\.imx"),
        ("bad_magic.imx", bithuman.ModelLoadError, r"bad_magic\.imx"),
        ("hash_differs.imx", bithuman.ModelLoadError, "hash|differ"),
        ("container_version_3.imx", bithuman.UnsupportedVersion, "version 3"),
        ("legacy_bimx.imx", bithuman.UnsupportedVersion, "1"),
        ("other_family.imx", bithuman.UnsupportedFormat, "other_family"),
        ("huge_frame.imx", bithuman.LimitExceeded, r"\d{4}"),
        (".", bithuman.ModelLoadError, "regular file"),
    ],
)
def test_what_is_wrong_with_an_avatar_is_said_on_every_surface(file: str, exception: Type[BithumanError], words: str) -> None:
    path = BAD / file
    with pytest.raises(exception, match=words):
        bithuman.open(path)
    with pytest.raises(exception, match=words):
        Bithuman.load(path)
    with pytest.raises(exception, match=words):
        asyncio.run(AsyncBithuman.create(model_path=str(path)))


def test_every_bad_file_is_an_error_of_ours() -> None:
    files = sorted(BAD.iterdir())
    assert len(files) > 50
    for path in files:
        with pytest.raises((bithuman.AvatarError, BithumanError)) as caught:
            bithuman.open(path)
        assert str(path) in str(caught.value), "the message names the file"


def test_a_missing_avatar_is_a_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        bithuman.open("no-such-avatar")
    with pytest.raises(bithuman.InvalidAvatar):
        bithuman.open("no-such-avatar.imx")
    with pytest.raises(BithumanError, match="NUL"):
        bithuman.open("a\0b")
    with pytest.raises(bithuman.ModelNotFoundError):
        asyncio.run(AsyncBithuman.create(agent_code="A00NOSUCH"))


def test_avatars_are_found_by_name_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folder = tmp_path / ".cache/bithuman/showcase"
    folder.mkdir(parents=True)
    (folder / "jester.imx").write_bytes(TOY.read_bytes())
    assert bithuman.open("jester").info.name == "toy"


def test_a_provider_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(bithuman.ExecutionProviderRefused, match="cuda") as caught:
        bithuman.open(TOY, provider="cuda")
    assert caught.value.code == "execution_provider_refused" and isinstance(caught.value, bithuman.NotSupported)
    with pytest.raises(bithuman.InvalidArgument, match="auto, cpu, cuda"):
        bithuman.open(TOY, provider="tpu")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pixel_format": "yuv"}, "bgr, rgb"),
        ({"pacing": "slow"}, "realtime, unpaced"),
        ({"output_size": (8, 100)}, "16 to 8192"),
        ({"output_size": 9000}, "16 to 8192"),
        ({"letterbox": (0, 0, 256)}, "0 to 255"),
    ],
)
def test_settings_outside_their_domain_name_it(options: "dict[str, object]", words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asyncio.run(AsyncBithuman.create(model_path=TOY, **options))  # type: ignore[arg-type]


def test_audio_that_cant_be_taken() -> None:
    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, pacing="unpaced") as runtime:
            with pytest.raises(bithuman.InvalidArgument, match="8000|8,000"):
                await runtime.push_audio(b"\0\0", 7_999)
            with pytest.raises(bithuman.InvalidArgument, match="8000"):
                await runtime.push_audio(b"\0\0", -1)
            await runtime.push_audio(bytes(320), 16_000, last_chunk=False)
            with pytest.raises(bithuman.RuntimeNotReadyError, match="flush before pushing 24000"):
                await runtime.push_audio(bytes(320), 24_000)
            with pytest.raises(bithuman.LimitExceeded, match="600 s"):
                await runtime.push_audio(bytes(2 * 16_000 * 601), 16_000)
            assert list(runtime._pushed) == [[None, 160]], "nothing of what was refused was taken"

    asyncio.run(main())


def test_audio_files_that_cant_be_read(tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(np.random.default_rng(1).bytes(1000))
    with bithuman.open(TOY) as avatar:
        with pytest.raises(FileNotFoundError, match="speech.wav"):
            avatar.render(tmp_path / "speech.wav")
        with pytest.raises(bithuman.UnsupportedFormat, match="noise.wav"):
            avatar.render(noise)
        with pytest.raises(bithuman.IoError):
            avatar.render(SPEECH[16_000], tmp_path / "no/such/folder.mp4")
        with pytest.raises(bithuman.InvalidArgument, match="low, medium, high"):
            avatar.render(SPEECH[16_000], tmp_path / "speech.mp4", quality="best")


def test_a_network_that_fails_costs_no_frame_on_any_surface(speech: Pcm) -> None:
    with bithuman.open(TOY) as avatar:
        expected = sum(1 for _ in avatar.render(speech[0]))
    with bithuman.open(FAILING) as avatar:
        assert sum(1 for _ in avatar.render(speech[0])) == expected
    with Bithuman.load(FAILING) as runtime:
        frames = list(runtime.compose(speech[0]))
        assert len(frames) == expected


def test_a_conversation_that_is_cancelled_says_so() -> None:
    with bithuman.open(TOY) as avatar:
        assert avatar._avatar is not None
        session = Session(avatar._avatar, pacing="unpaced")
        session.push(np.zeros(16_000, np.int16), 16_000)
        session.cancel()
        with pytest.raises(bithuman.Cancelled, match="cancelled") as caught:
            session.draw()
        assert caught.value.code == "cancelled"
        session.restart_clock()
        assert session.draw() is not None
        session.close()


def in_another_process(program: str, **environment: str) -> str:
    """What a program prints, with the last lines of what went wrong."""
    import os

    done = subprocess.run(
        [sys.executable, "-c", program, str(TOY), str(MIKA)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_missing_onnx_runtime_is_told_with_the_places_that_were_tried(tmp_path: Path) -> None:
    program = """
import sys, bithuman
try:
    bithuman.open(sys.argv[1], runtime_library=sys.argv[1] + ".so")
except bithuman.RuntimeMissing as error:
    print(error.code, error)
"""
    said = in_another_process(program)
    assert said.startswith("runtime_missing") and "toy.imx.so" in said, said
    said = in_another_process(program.replace(', runtime_library=sys.argv[1] + ".so"', ""), ORT_DYLIB_PATH=str(tmp_path / "none"))
    assert said.startswith("runtime_missing") and "none" in said, said


needs_package = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed")


@needs_package
def test_the_onnxruntime_package_is_found_without_importing_it() -> None:
    program = """
import os, sys, bithuman
os.environ.pop("ORT_DYLIB_PATH", None)
avatar = bithuman.open(sys.argv[1])
print("onnxruntime" in sys.modules, os.path.join("onnxruntime", "capi") in avatar.provider.runtime_library)
"""
    assert in_another_process(program).split() == ["False", "True"]


@needs_package
def test_it_works_beside_an_imported_onnxruntime() -> None:
    program = """
import sys, bithuman, onnxruntime
print(len(list(bithuman.open(sys.argv[1]).render(bytes(32000)))), onnxruntime.get_available_providers()[-1])
"""
    assert in_another_process(program).split() == ["25", "CPUExecutionProvider"]
