"""A film's pictures and sound by their time stamps, through PyAV: any rate, rotation, pixel shape, interlacing, depth and transfer."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import av
import cv2
import numpy as np

SMALL = (48, 32)
"""Width and height of the pictures that shots are told apart by."""
FASTEST_HZ = 1000
LARGEST = 8192
"""Pixels of a side."""
PEAK_NITS = 1000.0
WHITE_NITS = 203.0
"""Of paper in HDR (BT.2408)."""
_PQ, _HLG = 16, 18
_BT709, _BT601, _BT2020 = 1, 5, 9
_WIDE = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
"""BT.2020's colours as BT.709's, both linear."""


class Refused(ValueError):
    """The input can't become an avatar; the message says why and what would help."""


@dataclass(frozen=True)
class Film:
    """All of a file's pictures, as far as shots need them."""

    width: int
    height: int
    start: float
    """The file's time of its first picture, in seconds."""
    times: np.ndarray
    """Of each picture, from the first one on."""
    step: float
    """The usual time between two."""
    small: np.ndarray
    """`[n, h, w, 3]` u8."""


def scanned(path: Path) -> Film:
    """Reads a file once through."""
    times, small, size = [], [], None
    with _opened(path) as container:
        stream = _video(path, container)
        announced, nominal = stream.frames, float(stream.average_rate or stream.guessed_rate or 0)
        if nominal > FASTEST_HZ:
            raise Refused(f"{path}: {nominal:.0f} pictures a second are more than any camera's; convert it to H.264 in MP4")
        for frame in _frames(container, stream):
            now = _size(frame, stream)
            if size and now != size:
                raise Refused(f"{path}: the pictures change their size")
            size = now
            times.append(float(frame.time) if frame.time is not None else len(times) / (nominal or 25))
            small.append(_small(frame))
    if not times:
        raise Refused(f"{path}: no picture of it can be decoded; the file is damaged")
    if announced > 0 and len(times) < 0.9 * announced:
        raise Refused(f"{path}: only {len(times)} of {announced} pictures can be decoded; the file is damaged or cut off")
    if max(size) > LARGEST:
        raise Refused(f"{path}: {size[0]}×{size[1]} pixels are too many; make it smaller than {LARGEST} a side")
    stamps = np.maximum.accumulate(np.array(times))
    steps = np.diff(stamps)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 1 / (nominal or 25)
    return Film(*size, float(stamps[0]), stamps - stamps[0], step, np.stack(small))


def pictures(path: Path, first: int, start: float) -> Iterator[np.ndarray]:
    """The pictures `[height, width, 3]` u8 RGB from number `first` on, which is shown at `start` seconds."""
    with _opened(path) as container:
        stream = _video(path, container)
        # As far into the file as a keyframe lets: pictures are told by their time, not by their number.
        skip = first
        if first and stream.time_base:
            container.seek(max(0, int((start - 0.5) / stream.time_base)), stream=stream, backward=True)
            skip = None
        for frame in _frames(container, stream):
            if skip is None and frame.time is not None and float(frame.time) < start - 1e-6:
                continue
            if skip:
                skip -= 1
                continue
            skip = 0
            yield upright(frame, stream)


def sound(path: Path, rate_hz: int) -> tuple[np.ndarray, float] | None:
    """The first sound track, mono in [-1, 1], silence where it has none, and the file's time of its first sample; None without one."""
    with _opened(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate_hz)
        pieces: list[tuple[float | None, np.ndarray]] = []
        for frame in _frames(container, stream):
            at = float(frame.time) if frame.time is not None else None
            frame.pts = None
            made = [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
            pieces.append((at, np.concatenate(made) if made else np.zeros(0, np.float32)))
        pieces.append((None, np.concatenate([piece.to_ndarray()[0] for piece in resampler.resample(None)] or [np.zeros(0, np.float32)])))
    start = next((at for at, _ in pieces if at is not None), 0.0)
    out, length = [], 0
    for at, samples in pieces:
        missing = 0 if at is None else int(round((at - start) * rate_hz)) - length
        if missing > rate_hz // 20:
            out.append(np.zeros(missing, np.float32))
            length += missing
        out.append(samples)
        length += len(samples)
    joined = np.concatenate(out)
    return (joined, start) if len(joined) else None


def upright(frame: av.VideoFrame, stream) -> np.ndarray:
    """A frame as it is to be seen, `[height, width, 3]` u8 RGB: in standard range, square pixels, turned."""
    picture = _toned(frame) if frame.color_trc in (_PQ, _HLG) else frame.to_ndarray(format="rgb24", src_colorspace=_matrix(frame), dst_colorspace=_BT709)
    aspect = _aspect(stream)
    if aspect != 1:
        picture = cv2.resize(picture, (_even(picture.shape[1] * aspect), picture.shape[0]), interpolation=cv2.INTER_CUBIC)
    turns = _turns(frame)
    return np.ascontiguousarray(np.rot90(picture, turns) if turns else picture)


def _opened(path: Path):
    try:
        # With its protocol: a name with a colon would be taken for one.
        return av.open(f"file:{path}")
    except (av.error.FFmpegError, OSError) as error:
        raise Refused(f"{path}: not a video that can be read ({getattr(error, 'strerror', None) or error}); convert it to H.264 in MP4") from None


def _video(path: Path, container):
    if not container.streams.video:
        raise Refused(f"{path}: there is no picture in it, only sound")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _frames(container, stream) -> Iterator:
    """The frames that decode; damaged ones are left out. Interlaced ones become whole."""
    graph = None
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if not getattr(frame, "interlaced_frame", False):
                yield frame
                continue
            graph = graph or _deinterlacer(stream)
            graph.push(frame)
            try:
                made = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                # The filter wants the next frame first; this one stands in.
                made = frame
            yield made


def _deinterlacer(stream):
    graph = av.filter.Graph()
    graph.link_nodes(graph.add_buffer(template=stream), graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")).configure()
    return graph


def _matrix(frame: av.VideoFrame) -> int:
    """The YCbCr matrix: what isn't said is BT.709 from 720 lines on."""
    usual = _BT709 if frame.height >= 720 else _BT601
    return {1: _BT709, 5: _BT601, 6: _BT601, 9: _BT2020, 10: _BT2020}.get(int(frame.colorspace), usual)


def _aspect(stream) -> float:
    aspect = stream.sample_aspect_ratio
    value = float(aspect) if aspect else 1.0
    return value if 0.25 < value < 4 else 1.0


def _turns(frame: av.VideoFrame) -> int:
    """Quarter turns against the clock."""
    return round(getattr(frame, "rotation", 0) / 90) % 4


def _size(frame: av.VideoFrame, stream) -> tuple[int, int]:
    aspect = _aspect(stream)
    width, height = _even(frame.width * aspect) if aspect != 1 else frame.width, frame.height
    return (height, width) if _turns(frame) % 2 else (width, height)


def _even(side: float) -> int:
    return max(2, 2 * round(side / 2))


def _small(frame: av.VideoFrame) -> np.ndarray:
    return frame.reformat(*SMALL, format="rgb24", interpolation="AREA").to_ndarray()


def _toned(frame: av.VideoFrame) -> np.ndarray:
    """A picture of HDR in standard range: what is as bright as paper keeps its light, what is brighter is rolled off."""
    levels = frame.to_ndarray(format="rgb48le", src_colorspace=_BT2020, dst_colorspace=_BT2020)
    nits = (_pq() if frame.color_trc == _PQ else _hlg())[levels]
    linear = np.maximum(nits @ _WIDE.T, 0) / WHITE_NITS
    peak, knee = PEAK_NITS / WHITE_NITS, 0.6
    over = np.maximum(linear - knee, 0)
    # A hyperbola that leaves the knee with slope 1 and meets white at the peak.
    room, reach = 1 - knee, peak - knee
    rolled = np.where(linear > knee, knee + over * room * reach / (over * (reach - room) + room * reach), linear)
    return np.round(255 * np.clip(rolled, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def _pq() -> np.ndarray:
    """Nits of 16-bit levels (SMPTE ST 2084)."""
    e = np.linspace(0, 1, 65536) ** (1 / 78.84375)
    return (10000 * (np.maximum(e - 0.8359375, 0) / (18.8515625 - 18.6875 * e)) ** (1 / 0.1593017578125)).astype(np.float32)


def _hlg() -> np.ndarray:
    """Nits of 16-bit levels (ARIB STD-B67), shown at `PEAK_NITS`, each channel by itself."""
    e = np.linspace(0, 1, 65536)
    scene = np.where(e <= 0.5, e**2 / 3, (np.exp((e - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return (PEAK_NITS * scene**1.2).astype(np.float32)
