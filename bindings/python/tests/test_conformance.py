"""The frames that every language has to get: ``testdata/conformance.json``, recorded by Rust."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from bithuman import VideoFrame
from bithuman._engine import open_avatar
from bithuman._session import Session
from conftest import ROOT, read_wav

RECORDED = json.loads((ROOT / "testdata/conformance.json").read_text(encoding="utf-8"))


def recording_kernels() -> bool:
    """Whether this processor has the instructions of the one that the file was made with."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return " avx2 " in flags and " fma " in flags


def drawn(case: "Dict[str, Any]") -> "List[VideoFrame]":
    size = (case["width"], case["height"]) if case["width"] else None
    avatar = open_avatar(ROOT / "testdata" / case["avatar"], provider="builtin")
    session = Session(avatar, pacing="unpaced", pixel_format=case["pixel_format"], size=size)
    pcm, rate = read_wav(ROOT / "testdata" / case["audio"])
    samples: Any = np.frombuffer(pcm, np.int16)
    if case["samples"] == "f32":
        samples = samples.astype(np.float32) / 32768
    frames: "List[VideoFrame]" = []
    for step in case["steps"]:
        if "push" in step:
            start, count = step["push"]
            session.push(samples[start : start + count], rate)
        elif "draw" in step:
            most = step["draw"]
            before = len(frames)
            while not most or len(frames) < before + most:
                frame = session.draw()
                if frame is None:
                    assert not most
                    break
                frames.append(frame)
        elif "flush" in step:
            session.flush()
        else:
            assert step["interrupt"]
            session.interrupt()
    return frames


def flags(frame: VideoFrame) -> int:
    """As the C interface has them."""
    bits = (frame.is_speech, frame.end_of_speech, frame.is_underrun, frame.is_late, frame.is_muted, frame.is_concealed)
    return sum(int(bit) << place for place, bit in enumerate(bits))


def sound(frame: VideoFrame) -> bytes:
    return b"" if frame.audio_chunk is None else frame.audio_chunk.bytes


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["name"])
def test_frames_are_those_of_rust(case: "Dict[str, Any]") -> None:
    frames, results = drawn(case), case["results"]
    assert len(frames) == results["frames"]
    assert [frame.frame_index for frame in frames] == results["index"]
    assert [frame.pts_samples for frame in frames] == results["pts_samples"]
    assert [flags(frame) for frame in frames] == results["flags"]
    assert [len(sound(frame)) // 2 for frame in frames] == results["audio_samples"]
    assert hashlib.sha256(b"".join(map(sound, frames))).hexdigest() == results["sound_sha256"]
    assert (frames[0].width, frames[0].height) == (results["frame_width"], results["frame_height"])
    hashes = [hashlib.sha256(np.ascontiguousarray(frame.image).data).hexdigest() for frame in frames if frame.image is not None]
    alike = sum(ours.startswith(theirs) for ours, theirs in zip(hashes, results["pictures"]))
    # Another processor's kernels may round the speech network's last bit otherwise.
    assert alike >= (1 if recording_kernels() else RECORDED["pictures_alike"]) * len(results["pictures"])
