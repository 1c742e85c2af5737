"""Frames and audio by themselves."""

from __future__ import annotations

import numpy as np
from bithuman import AudioChunk, VideoControl, VideoFrame


def test_a_chunk_is_samples_bytes_and_seconds() -> None:
    chunk = AudioChunk(np.array([0, 1, -1, 32767, -32768], np.int16), 8_000, last_chunk=False)
    assert chunk.bytes == bytes(chunk) == b"\0\0\x01\0\xff\xff\xff\x7f\0\x80"
    assert chunk.array is chunk.data and len(chunk) == 5
    assert chunk.duration == 5 / 8_000 and not chunk.last_chunk
    again = AudioChunk.from_bytes(chunk.bytes, 8_000)
    assert np.array_equal(again.data, chunk.data) and again.last_chunk


def test_float_samples_are_scaled_and_clipped() -> None:
    chunk = AudioChunk(np.array([0.0, 0.5, -1.0, 2.0, -2.0], np.float32))
    assert chunk.data.dtype == np.int16 and chunk.data.tolist() == [0, 16384, -32768, 32767, -32768]


def test_each_command_has_a_name_of_its_own() -> None:
    assert VideoControl().message_id != VideoControl().message_id
    control = VideoControl(text="hello", emotion_preds=[], stop_on_user_speech=True, stop_on_agent_speech=False)
    assert (control.audio, control.action, control.target_video, control.end_of_speech) == (None, None, None, False)


def test_colours_are_reordered_once() -> None:
    bgra = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    frame = VideoFrame(bgra, pixel_format="bgra", width=3, height=2)
    assert frame.bgr_image is not None and frame.rgb_image is not None
    assert frame.bgr_image[0, 0].tolist() == [0, 1, 2] and frame.rgb_image[0, 0].tolist() == [2, 1, 0]
    assert frame.bgr_image is frame.bgr_image and frame.rgb_image is frame.rgb_image
    assert frame.planes[0] is bgra and frame.has_image
    rgb = VideoFrame(bgra[:, :, :3], pixel_format="rgb", width=3, height=2)
    assert rgb.rgb_image is rgb.image and rgb.bgr_image is not None and rgb.bgr_image[0, 0].tolist() == [2, 1, 0]


def test_a_frame_describes_itself() -> None:
    frame = VideoFrame(np.zeros((2, 3, 3), np.uint8), width=3, height=2, frame_index=7, is_speech=True, end_of_speech=True)
    assert repr(frame) == "<VideoFrame 7: 3x2 bgr speech end_of_speech>"
    assert frame.pts_samples == 4480 and dict(frame.arkit) == {}
    assert repr(VideoFrame(end_of_speech=True)) == "<VideoFrame 0: no image end_of_speech>"
