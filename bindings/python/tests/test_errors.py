"""Every kind of failure: the right exception, with words that help; and one table, the same as the header's."""

from __future__ import annotations

import asyncio
import copy
import gc
import importlib.util
import io
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Type

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
    with pytest.raises(bithuman.InvalidArgument, match="auto, builtin, cpu, cuda"):
        bithuman.open(TOY, provider="tpu")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pixel_format": "yuv"}, "bgr, rgb"),
        ({"pacing": "slow"}, "realtime, unpaced"),
        ({"output_size": (8, 100)}, "16 to 8192"),
        ({"output_size": 9000}, "16 to 8192"),
        ({"letterbox": (0, 0, 256)}, "0 to 255"),
        ({"letterbox": (0, 0)}, "three values"),
        ({"letterbox": "red"}, "three values"),
        ({"letterbox": (0, 0.5, 0)}, "whole number"),
        ({"letterbox": 7}, "three values"),
        ({"output_size": "512"}, "whole number|one side"),
        ({"output_size": (64,)}, "width and height"),
        ({"output_size": (64, None)}, "whole number"),
        ({"output_size": 100.5}, "whole number"),
        ({"num_threads": -1}, "num_threads is -1"),
        ({"num_threads": "2"}, "num_threads"),
        ({"num_threads": None}, "num_threads"),
        ({"queue_limit": -1}, "queue_limit"),
        ({"output_buffer_size": "6"}, "output_buffer_size"),
        ({"pacing": None}, "realtime, unpaced"),
        ({"provider": None}, "auto, builtin, cpu"),
        ({"engine": "cpu"}, "bithuman.Engine"),
    ],
)
def test_settings_outside_their_domain_name_it(options: "dict[str, object]", words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asyncio.run(AsyncBithuman.create(model_path=TOY, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [64, np.int64(64), np.uint8(64), 64.0, (64, 48), (np.int32(64), 48.0), np.array([64, 48]), [64, 48]])
@pytest.mark.parametrize("letterbox", [None, (0, 0, 0), np.zeros(3, np.uint8), [0, 0, np.int64(0)]])
def test_numbers_of_any_kind_are_numbers(size: Any, letterbox: Any) -> None:
    with Bithuman.load(TOY, output_size=size, letterbox=letterbox) as composer:
        assert (composer.frame_width, composer.frame_height) == (64, 48)


@pytest.mark.parametrize("rate", [16_000, np.int64(16_000), np.uint16(16_000), 16_000.0, np.float32(16_000)])
def test_a_rate_may_be_any_whole_number(rate: Any, speech: Pcm) -> None:
    with Bithuman.load(TOY) as composer:
        assert len(list(composer.compose(speech[0][:32_000], sample_rate=rate))) == 25

    async def main() -> int:
        async with await AsyncBithuman.create(model_path=TOY, pacing="unpaced") as runtime:
            await runtime.push_audio(speech[0][:32_000], rate)
            async for frame in runtime.run():
                if frame.end_of_speech:
                    break
            return runtime.statistics.frames

    assert asyncio.run(main()) == 25


@pytest.mark.parametrize(
    ("rate", "exception", "words"),
    [
        ("16000", TypeError, "'16000' \\(str\\)"),
        (None, TypeError, "None"),
        (True, TypeError, "True"),
        ([16_000], TypeError, "list"),
        (16_000.5, ValueError, "16000.5"),
        (float("nan"), ValueError, "nan"),
        (float("inf"), ValueError, "inf"),
        (0, ValueError, "8000 to 192000"),
        (1 << 40, ValueError, "8000 to 192000"),
    ],
)
def test_a_rate_that_is_none_is_told_by_our_exception(rate: Any, exception: Type[Exception], words: str, speech: Pcm) -> None:
    with bithuman.open(TOY) as avatar, pytest.raises(bithuman.InvalidArgument, match=words) as caught:
        avatar.render(speech[0], sample_rate=rate)
    assert isinstance(caught.value, exception)

    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, pacing="unpaced") as runtime:
            await runtime.push_audio(speech[0], rate)

    with pytest.raises(bithuman.InvalidArgument, match=words) as caught:
        asyncio.run(main())
    assert isinstance(caught.value, exception)


@pytest.mark.parametrize("source", [None, 7, ["toy.imx"], io.StringIO("text")])
def test_what_names_no_avatar_is_told_by_our_exception(source: Any) -> None:
    for opening in (bithuman.open, Bithuman.load):
        with pytest.raises(bithuman.InvalidType, match=f"{type(source).__name__}|text") as caught:
            opening(source)
        assert isinstance(caught.value, TypeError) and isinstance(caught.value, ValueError)


def test_what_is_pushed_at_once_is_a_piece_and_not_a_file() -> None:
    async def main() -> None:
        async with await AsyncBithuman.create(model_path=TOY, pacing="unpaced") as runtime:
            wrong: "dict[str, Any]" = {"text": "speech.wav", "BytesIO": io.BytesIO(b"RIFF"), "NoneType": None, "object": object()}
            for words, data in wrong.items():
                with pytest.raises(bithuman.InvalidType, match=words):
                    await runtime.push_audio(data, 16_000)
            with pytest.raises(bithuman.InvalidType, match="int"):
                await runtime.push(bithuman.VideoControl(action=3))  # type: ignore[arg-type]
            with pytest.raises(bithuman.InvalidType, match="AudioChunk, not bytes"):
                await runtime.push(bithuman.VideoControl(audio=b"ab"))  # type: ignore[arg-type]

    asyncio.run(main())


class Uniques:
    """One of each object that belongs to its process."""

    def __init__(self, speech: bytes) -> None:
        self.loop = asyncio.new_event_loop()
        self.runtime = self.loop.run_until_complete(AsyncBithuman.create(model_path=TOY, pacing="unpaced"))
        self.avatar = bithuman.open(TOY)
        self.composer = Bithuman.load(TOY)
        self.all = {
            "Avatar": self.avatar,
            "Bithuman": self.composer,
            "Pictures": self.avatar.render(speech),
            "Frames": self.composer.compose(speech),
            "AsyncBithuman": self.runtime,
            "FrameStream": self.runtime.run(),
            "ManualClock": bithuman.ManualClock(),
            "Engine": bithuman.Engine(),
            "Session": self.composer._session,
        }

    def close(self) -> None:
        self.loop.run_until_complete(self.runtime.shutdown())
        self.loop.close()


@pytest.mark.parametrize("copy_of", [pickle.dumps, copy.copy, copy.deepcopy])
def test_what_belongs_to_its_process_says_so_when_it_is_copied(
    copy_of: Callable[[object], object], speech: Pcm, capfd: pytest.CaptureFixture[str]
) -> None:
    uniques = Uniques(speech[0][:32_000])
    try:
        for name, thing in uniques.all.items():
            with pytest.raises(TypeError, match=f"{name} can be neither copied nor pickled"):
                copy_of(thing)
            with pytest.raises(TypeError, match="neither copied nor pickled"):
                copy_of([thing] if copy_of is not copy.copy else thing)
    finally:
        uniques.close()
    del uniques, thing
    gc.collect()
    assert capfd.readouterr().err == "", "no noise when what was made in part goes"


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
            assert runtime._unheard == 160, "nothing of what was refused was taken"

    asyncio.run(main())


def test_audio_files_that_cant_be_read(tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(np.random.default_rng(1).bytes(1000))
    with bithuman.open(TOY) as avatar:
        with pytest.raises(bithuman.AudioNotFoundError, match="speech.wav") as caught:
            avatar.render(tmp_path / "speech.wav")
        assert isinstance(caught.value, FileNotFoundError) and caught.value.code == "audio_not_found"
        with pytest.raises(bithuman.UnsupportedFormat, match="noise.wav"), noise.open("rb") as file:
            avatar.render(file)
        with pytest.raises(bithuman.UnsupportedFormat, match="BytesIO"):
            avatar.render(io.BytesIO(b"noise"))
        with pytest.raises(bithuman.InvalidArgument, match="noise.wav can't be read|closed"):
            avatar.render(file)
        with pytest.raises(bithuman.InvalidType, match="MP4"):
            avatar.render(SPEECH[16_000], 7)  # type: ignore[call-overload]
        with pytest.raises(bithuman.InvalidType, match="low, medium, high"):
            avatar.render(SPEECH[16_000], tmp_path / "speech.mp4", quality=None)  # type: ignore[call-overload]
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
    nowhere = {"ORT_DYLIB_PATH": str(tmp_path / "none")}
    said = in_another_process(program.replace('runtime_library=sys.argv[1] + ".so"', 'provider="cpu"'), **nowhere)
    assert said.startswith("runtime_missing") and "none" in said, said
    said = in_another_process("import sys, bithuman; print(bithuman.open(sys.argv[1]).provider.provider)", **nowhere)
    assert said.strip() == "builtin", "it does without"


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
