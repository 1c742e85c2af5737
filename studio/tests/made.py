"""Films for the tests: something painted over a face, a smile put on it, and files written of pictures and a voice."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

RATE_HZ = 48000


def hand(picture: np.ndarray, face: np.ndarray, number: int, light: float = 1.0) -> np.ndarray:
    """Four fingers and a palm, of the cheek's own colour, that sway."""
    eyes = np.linalg.norm(face[33, :2] - face[263, :2])
    x, y = (face[13, :2] + face[152, :2]) / 2 + 0.03 * eyes * np.array([np.sin(number / 3), np.cos(number / 4)])
    cheek = picture[int(face[205, 1]) - 3 : int(face[205, 1]) + 4, int(face[205, 0]) - 3 : int(face[205, 0]) + 4].reshape(-1, 3).mean(0)
    mask, folds = np.zeros(picture.shape[:2], np.float32), np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(mask, (int(x), int(y + 0.4 * eyes)), (int(0.45 * eyes), int(0.45 * eyes)), 0, 0, 360, 1.0, -1)
    for finger in range(4):
        at = int(x + 0.23 * eyes * (finger - 1.5))
        cv2.line(mask, (at, int(y + 0.3 * eyes)), (at, int(y - 0.45 * eyes)), 1.0, int(0.22 * eyes))
        cv2.line(folds, (at + int(0.115 * eyes), int(y + 0.2 * eyes)), (at + int(0.115 * eyes), int(y - 0.4 * eyes)), 1.0, 2)
    mask, folds = (cv2.GaussianBlur(each, (0, 0), 1.5)[..., None] for each in (mask, folds))
    return np.clip(picture * (1 - mask) + mask * light * cheek * (1 - 0.4 * folds), 0, 255).astype(np.uint8)


def microphone(picture: np.ndarray, face: np.ndarray, number: int) -> np.ndarray:
    out, eyes = picture.copy(), np.linalg.norm(face[33, :2] - face[263, :2])
    cv2.circle(out, (int(face[14, 0] + 2 * np.sin(number / 5)), int(face[14, 1])), int(0.22 * eyes), (40, 42, 48), -1)
    return out


def smiling(picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The picture with the corners of the mouth drawn up and out."""
    eyes = np.linalg.norm(face[33, :2] - face[263, :2])
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    from_x, from_y = x.copy(), y.copy()
    for corner, side in ((61, -1), (291, 1)):
        near = np.exp(-((x - face[corner, 0]) ** 2 + (y - face[corner, 1]) ** 2) / (2 * (0.18 * eyes) ** 2)) * eyes
        from_x -= 0.05 * side * near
        from_y += 0.06 * near
    return cv2.remap(picture, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def film(path: Path, pictures: list[np.ndarray], voice: np.ndarray) -> Path:
    """25 pictures a second, and `voice` [-1, 1] at `RATE_HZ`."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt, video.bit_rate = pictures[0].shape[1], pictures[0].shape[0], "yuv420p", 6_000_000
        track = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        for first in range(0, len(voice) - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(voice[None, first : first + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path
