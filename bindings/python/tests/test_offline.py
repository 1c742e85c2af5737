"""``open().render()`` and ``Bithuman.compose()``: the same frames from every kind of audio, and a file that plays."""

from __future__ import annotations

import array as arrays
import ctypes
import io
import tempfile
import wave
from pathlib import Path
from typing import IO, Any, Callable, Dict, Iterator

import bithuman
import numpy as np
import pytest
from bithuman import AudioChunk, Bithuman, InvalidArgument, RuntimeNotReadyError, UnknownAction
from bithuman._abi import call
from bithuman._engine import Source
from bithuman._library import lib
from bithuman._pcm import Audio
from conftest import SPEECH, TOY, Pcm, threads


def array(speech: Pcm) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return np.frombuffer(speech[0], np.int16)[:24_000]


def wav(speech: Pcm) -> bytes:
    """The same as a file's bytes."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        out.writeframes(array(speech).tobytes())
    return file.getvalue()


def on_disk(speech: Pcm) -> IO[bytes]:
    """The same as an opened file."""
    file = tempfile.TemporaryFile()
    file.write(wav(speech))
    file.seek(0)
    return file


KINDS: "Dict[str, Callable[[Pcm], Audio]]" = {
    "bytes": lambda speech: array(speech).tobytes(),
    "bytearray": lambda speech: bytearray(array(speech).tobytes()),
    "int16": array,
    "float32": lambda speech: array(speech).astype(np.float32) / 32768,
    "float64": lambda speech: array(speech) / 32768,
    "every other sample of an array": lambda speech: np.repeat(array(speech), 2)[::2],
    "every other sample of a memoryview": lambda speech: np.repeat(array(speech), 2).data[::2],
    "memoryview of bytes": lambda speech: memoryview(array(speech).tobytes()),
    "memoryview of int16": lambda speech: array(speech).data,
    "memoryview of float32": lambda speech: (array(speech).astype(np.float32) / np.float32(32768)).data,
    "memoryview of float64": lambda speech: (array(speech) / 32768).data,
    "array.array of int16": lambda speech: arrays.array("h", array(speech).tobytes()),
    "array.array of float32": lambda speech: arrays.array("f", (array(speech) / 32768).tolist()),
    "array.array of float64": lambda speech: arrays.array("d", (array(speech) / 32768).tolist()),
    "C array": lambda speech: (ctypes.c_int16 * 24_000)(*array(speech).tolist()),
    "list of ints": lambda speech: array(speech).tolist(),
    "tuple of floats": lambda speech: tuple((array(speech) / 32768).tolist()),
    "list of numpy's numbers": lambda speech: list(array(speech)),
    "opened file": on_disk,
    "BytesIO": lambda speech: io.BytesIO(wav(speech)),
    "list of arrays and lists": lambda speech: [arrays.array("h", array(speech)[:16_000].tobytes()), array(speech)[16_000:].tolist()],
    "chunk": lambda speech: AudioChunk(array(speech), 16_000),
    "list": lambda speech: [array(speech)[:7_777], array(speech)[7_777:].tobytes()],
    "generator": lambda speech: (array(speech)[at : at + 333] for at in range(0, 24_000, 333)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_audio_gives_the_same_pictures(speech: Pcm, kind: str) -> None:
    with bithuman.open(TOY) as avatar:
        expected = list(avatar.render(array(speech)))
        pictures = list(avatar.render(KINDS[kind](speech)))
    assert len(pictures) == 38
    assert all(picture.shape == (48, 64, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert all(np.array_equal(a, b) for a, b in zip(pictures, expected))


def test_pictures_are_red_first_and_each_has_memory_of_its_own(speech: Pcm) -> None:
    with bithuman.open(TOY) as avatar, Bithuman.load(TOY) as composer:
        pictures = list(avatar.render(array(speech)))
        frames = list(composer.compose(array(speech)))
    assert len({picture.ctypes.data for picture in pictures}) == len(pictures)
    for picture, frame in zip(pictures, frames):
        assert frame.bgr_image is not None and frame.bgr_image is frame.image
        assert frame.rgb_image is not None and np.array_equal(picture, frame.rgb_image)
        assert np.array_equal(picture, frame.bgr_image[:, :, ::-1])
        assert frame.bgr_image.flags.owndata or frame.bgr_image.base is not None
        assert frame.bgr_image.flags.writeable and frame.bgr_image.flags.c_contiguous
    assert not np.array_equal(pictures[0], pictures[0][:, :, ::-1]), "red and blue differ in this avatar"


def test_a_file_is_rendered_at_its_own_rate() -> None:
    with Bithuman.load(TOY) as composer:
        frames = list(composer.compose(SPEECH[24_000]))
    assert len(frames) == 276
    assert {frame.audio_chunk.sample_rate for frame in frames if frame.audio_chunk} == {24_000}


@pytest.mark.parametrize("rate", SPEECH)
def test_an_mp4_file_is_written(tmp_path: Path, rate: int) -> None:
    out = tmp_path / "speech.mp4"
    with bithuman.open(str(TOY)) as avatar:
        assert avatar.render(SPEECH[rate], out) == 276
        assert out.read_bytes()[4:8] == b"ftyp"
        file = avatar.render_file(SPEECH[rate], str(out), size=(128, 96), quality="low")
    assert (file.frames, file.width, file.height) == (276, 128, 96)
    assert file.duration == pytest.approx(11.04) and file.size_bytes == out.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["speech.mp4"]


def test_a_render_that_breaks_off_leaves_no_file(tmp_path: Path, speech: Pcm) -> None:
    def broken() -> "Iterator[bytes]":
        yield speech[0][:32_000]
        raise KeyboardInterrupt

    with bithuman.open(TOY) as avatar, pytest.raises(KeyboardInterrupt) as caught:
        avatar.render(broken(), tmp_path / "speech.mp4")
    assert caught.tb is not None and list(tmp_path.iterdir()) == [], "even while the traceback holds everything"


def test_an_interruption_that_comes_as_the_file_is_made_leaves_none(
    tmp_path: Path, speech: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(function: "Callable[..., int]", *arguments: Any) -> int:
        status = call(function, *arguments)
        if function is lib.essence_mp4_writer_create:
            assert len(list(tmp_path.iterdir())) == 1, "it is being written"
            raise KeyboardInterrupt
        return status

    monkeypatch.setattr("bithuman.offline.call", interrupted)
    with bithuman.open(TOY) as avatar, pytest.raises(KeyboardInterrupt):
        avatar.render(speech[0], tmp_path / "speech.mp4")
    assert list(tmp_path.iterdir()) == []


def test_closing_the_iterator_interrupts(speech: Pcm) -> None:
    with Bithuman.load(TOY) as composer:
        with composer.compose(speech[0]) as frames:
            first = [next(frames) for _ in range(5)]
        assert list(frames) == [], "closed"
        again = list(composer.compose(speech[0][:32_000]))
        spoken = b"".join(frame.audio_chunk.bytes for frame in again if frame.audio_chunk)
    assert len(first) == 5 and spoken == speech[0][:32_000], "nothing of the first utterance is left"
    assert len(again) == 25 and all(frame.audio_chunk for frame in again), "each frame has its 40 ms: nothing is out of step"


@pytest.mark.parametrize("close", ["close", "del", "interrupt"])
@pytest.mark.parametrize("drawn", [0, 1, 7, 24])
def test_after_an_utterance_that_was_left_the_next_is_in_step(speech: Pcm, close: str, drawn: int) -> None:
    with Bithuman.load(TOY) as composer:
        frames = composer.compose(speech[0][:32_000])
        for _ in range(drawn):
            next(frames)
        if close == "close":
            frames.close()
        elif close == "interrupt":
            composer.interrupt()
        del frames
        again = list(composer.compose(speech[0][32_000:64_000]))
    assert [len(frame.audio_chunk or ()) for frame in again] == [640] * 25
    assert [frame.frame_index - again[0].frame_index for frame in again] == list(range(25))
    assert b"".join(frame.audio_chunk.bytes for frame in again if frame.audio_chunk) == speech[0][32_000:64_000]


def test_audio_is_taken_as_it_is_needed(speech: Pcm) -> None:
    taken = 0

    def live() -> "Iterator[bytes]":
        nonlocal taken
        for at in range(0, 64_000, 640):
            taken += 1
            yield speech[0][at : at + 640]

    with bithuman.open(TOY) as avatar:
        pictures = avatar.render(live())
        next(pictures)
        assert 8 <= taken <= 9, "the frame's own 40 ms and 120 ms of look-ahead"
        pictures.close()


def test_more_can_be_rendered_than_a_conversation_would_queue() -> None:
    with bithuman.open(TOY) as avatar:
        pictures = avatar.render(np.zeros(16_000 * 601, np.int16))
        assert sum(1 for _ in pictures) == 25 * 601


@pytest.mark.parametrize("pixel_format", ["bgr", "rgb", "bgra", "rgba", "i420", "nv12"])
@pytest.mark.parametrize("size", [None, (65, 47)])
def test_pixel_formats_show_the_same_picture(speech: Pcm, pixel_format: str, size: "tuple[int, int] | None") -> None:
    with Bithuman.load(TOY, output_size=size) as plain, Bithuman.load(
        TOY, output_size=size, pixel_format=pixel_format
    ) as other:
        expected = next(plain.compose(array(speech)))
        frame = next(other.compose(array(speech)))
    width, height = size or (64, 48)
    assert frame.pixel_format == pixel_format and (frame.width, frame.height) == (width, height)
    assert expected.bgr_image is not None and expected.rgb_image is not None and frame.image is not None
    if pixel_format in ("i420", "nv12"):
        assert frame.bgr_image is None and frame.rgb_image is None and frame.image.ndim == 1
        half = ((height + 1) // 2, (width + 1) // 2)
        luma, *chroma = frame.planes
        assert luma.shape == (height, width)
        assert [plane.shape for plane in chroma] == ([(*half, 2)] if pixel_format == "nv12" else [half, half])
        grey = expected.rgb_image.astype(float) @ [0.257, 0.504, 0.098] + 16
        assert np.abs(grey - luma).max() < 1.5
        assert all(np.shares_memory(plane, frame.image) for plane in frame.planes)
    else:
        assert frame.bgr_image is not None and frame.rgb_image is not None
        assert np.array_equal(frame.bgr_image, expected.bgr_image)
        assert np.array_equal(frame.rgb_image, expected.rgb_image)
        assert (frame.image.shape[2] == 4) == pixel_format.endswith("a")


def test_bars_have_the_colour_that_was_asked_for(speech: Pcm) -> None:
    with bithuman.open(TOY) as avatar:
        picture = next(avatar.render(array(speech), size=(100, 48), letterbox=(1, 2, 3)))
    assert picture[20, 0].tolist() == [1, 2, 3]


def test_pictures_fit_as_they_are_told(speech: Pcm) -> None:
    with bithuman.open(TOY) as avatar:
        own = next(avatar.render(array(speech)))
        covered = next(avatar.render(array(speech), size=(128, 48), fit="cover", background=(1, 2, 3)))
        assert covered.shape == (48, 128, 3) and covered[0, 0].tolist() != [1, 2, 3], "no bars"
        part = next(avatar.render(array(speech), size=(32, 16), fit=(20, 10)))
        assert np.array_equal(part, own[10:26, 20:52])
        wrong: "Dict[str, Any]" = {"contain, cover": "stretch", "40": (40, 0), "left and top": (1,), "not 7": 7}
        for words, fit in wrong.items():
            with pytest.raises(InvalidArgument, match=words):
                avatar.render(array(speech), size=(32, 16), fit=fit)


def test_a_background_lies_behind_a_keyed_avatar_and_in_place_of_bars(speech: Pcm) -> None:
    image = np.full((2, 2, 3), 90, np.uint8)
    with bithuman.open(TOY) as avatar:
        assert not avatar.info.has_matte
        for background, shown in (((1, 2, 3), [1, 2, 3]), (image, [90, 90, 90]), (image[::-1], [90, 90, 90])):
            picture = next(avatar.render(array(speech), size=(128, 48), background=background))
            assert picture[20, 0].tolist() == shown
        wrong: "Dict[str, Any]" = {"2, 2, 2": image[:, :, :2], "float64": image.astype(float), "three values": (1, 2)}
        for words, other in wrong.items():
            with pytest.raises(InvalidArgument, match=words):
                avatar.render(array(speech), background=other)


def test_yuv_follows_the_standard_that_was_asked_for(speech: Pcm) -> None:
    planes = {}
    for standard in ("bt601", "bt709", "bt601-full", "bt709-full"):
        with Bithuman.load(TOY, pixel_format="i420", yuv=standard) as composer:
            planes[standard] = next(composer.compose(array(speech))).image
    assert all(image is not None for image in planes.values())
    assert len({image.tobytes() for image in planes.values() if image is not None}) == 4
    with pytest.raises(InvalidArgument, match="bt601, bt601-full, bt709"):
        Bithuman.load(TOY, yuv="bt2020")


def test_arkit_values_come_by_name(speech: Pcm) -> None:
    with Bithuman.load(TOY) as composer:
        frames = list(composer.compose(speech[0]))
        assert set(frames[0].arkit) == set(composer.info.arkit_names)
    assert all(0 <= value <= 1 for frame in frames for value in frame.arkit.values())
    assert max(frame.arkit["jawOpen"] for frame in frames) > 0.1


def test_a_motion_can_be_performed(speech: Pcm) -> None:
    with Bithuman.load(TOY) as composer:
        composer.perform("wave")
        shown = [frame.base_frame for frame in composer.compose(speech[0][:32_000])]
        assert shown[:5] == [2, 3, 4, 5, 6]
        with pytest.raises(UnknownAction):
            composer.perform("dance")


def test_the_report_says_whether_8_bits_run() -> None:
    folder = TOY.parent
    with bithuman.open(TOY, provider="cpu") as plain, bithuman.open(folder / "toy_8bit.imx", provider="cpu") as small:
        assert not plain.provider.quantized and small.provider.quantized
    with bithuman.open(folder / "toy_8bit_off.imx", provider="cpu") as passed_over:
        assert not passed_over.provider.quantized and "8 bits" in passed_over.provider.refused["cpu"]


def test_avatars_are_shared_and_a_changed_file_is_another(tmp_path: Path, speech: Pcm) -> None:
    path = tmp_path / "avatar.imx"
    path.write_bytes(TOY.read_bytes())
    first, second = bithuman.open(path), bithuman.open(str(path))
    assert first._avatar is second._avatar
    replacement = tmp_path / "other.imx"
    replacement.write_bytes(TOY.read_bytes())
    replacement.rename(path)
    assert bithuman.open(path)._avatar is not first._avatar
    first.close()
    assert len(list(second.render(array(speech)))) == 38, "the other goes on"


def test_an_avatar_may_come_out_of_memory(speech: Pcm) -> None:
    file = TOY.read_bytes()
    changed = bytearray(file)
    with bithuman.open(TOY) as expected, TOY.open("rb") as opened:
        pictures = [picture.tobytes() for picture in expected.render(array(speech))]
        sources: "Dict[str, Source]" = {
            "bytes": file,
            "bytearray": changed,
            "memoryview": memoryview(file),
            "strided": np.repeat(np.frombuffer(file, np.uint8), 2).data[::2],
            "file": opened,
            "BytesIO": io.BytesIO(file),
        }
        for name, source in sources.items():
            with bithuman.open(source) as avatar:
                if name == "bytearray":
                    changed[:] = bytes(len(changed))
                assert avatar.info.path == "" and avatar.info.size_bytes == len(file), name
                assert [picture.tobytes() for picture in avatar.render(array(speech))] == pictures, name
    with pytest.raises(bithuman.ModelLoadError):
        bithuman.open(file[:1000])
    with pytest.raises(bithuman.ModelLoadError):
        Bithuman.load(b"")


def test_what_is_closed_says_so(speech: Pcm) -> None:
    avatar = bithuman.open(TOY)
    pictures = avatar.render(array(speech))
    next(pictures)
    avatar.close()
    avatar.close()
    assert len(list(pictures)) == 37, "what has begun goes on"
    with pytest.raises(RuntimeNotReadyError, match="closed"):
        avatar.render(array(speech))
    composer = Bithuman.load(TOY)
    frames = composer.compose(array(speech))
    next(frames)
    composer.close()
    with pytest.raises(RuntimeNotReadyError):
        next(frames)
    with pytest.raises(RuntimeNotReadyError):
        composer.compose(array(speech))
    with pytest.raises(RuntimeNotReadyError):
        composer.interrupt()


@pytest.mark.parametrize(
    ("audio", "words"),
    [
        (np.zeros((2, 16_000), np.int16), "2 dimensions"),
        (np.zeros(16_000, np.int32), "int32"),
        (b"\0\0\0", "3 bytes"),
        (12, "int is not audio"),
        (None, "NoneType is not audio"),
        ({"a": 1}, "dict is not audio"),
        ([40_000], "beyond -32768 to 32767"),
        ([1, "2"], "str in a list"),
        ([True], "bool"),
        ((1 for _ in range(3)), "collect single samples"),
        ([[1.5, [2]]], "list in a list"),
        (np.zeros(16_000, ">i2"), "other byte order.*astype\\('int16'\\)"),
        (np.zeros(16_000, ">f4"), "other byte order.*astype\\('float32'\\)"),
        (np.zeros(16_000, ">f8").data, "other byte order"),
        (np.zeros(16_000, np.int32).data, "int32"),
        (np.zeros((2, 8_000), np.int16).data, "2 dimensions"),
        (memoryview(bytes(16)).cast("B", (4, 4)), "2 dimensions"),
        (arrays.array("i", [1, 2]), "int32"),
        (arrays.array("u", "ab"), "audio"),
        (np.zeros(4, np.complex64), "complex64"),
        (np.zeros(4, bool), "bool"),
        (np.array(["a"]), "audio"),
        (io.StringIO("text"), "mode 'rb'"),
        (np.full(16_000, np.nan, np.float32), "finite"),
        (np.full(16_000, 1e300), "finite"),
        ([0.0, float("inf")], "finite"),
    ],
)
def test_what_is_not_audio_is_refused(audio: object, words: str) -> None:
    with bithuman.open(TOY) as avatar, pytest.raises(InvalidArgument, match=words):
        list(avatar.render(audio))


def test_nothing_to_say_gives_nothing(tmp_path: Path) -> None:
    with bithuman.open(TOY) as avatar:
        assert list(avatar.render(b"")) == []
        with pytest.raises(InvalidArgument, match="no audio"):
            avatar.render(b"", tmp_path / "speech.mp4")


def test_rendering_starts_no_thread_that_stays(speech: Pcm) -> None:
    with bithuman.open(TOY) as avatar:
        list(avatar.render(array(speech)))
        before = threads()
        list(avatar.render(array(speech)))
        assert threads(before) == before
