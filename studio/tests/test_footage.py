"""Film read by its time stamps, on small films made here; shots; and where sound lies against lips."""

import sys
from fractions import Fraction
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
av = pytest.importorskip("av")
pytest.importorskip("cv2")
pytest.importorskip("scipy")
pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio import mel  # noqa: E402
from essence_studio.create import footage, reading, sound  # noqa: E402
from essence_studio.speech.mouth import COEFFICIENTS  # noqa: E402

SIZE = (96, 64)
RATE_HZ = 48000


def grey(level: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture with something in it: a bright square in the upper left corner."""
    picture = np.full((size[1], size[0], 3), level, np.uint8)
    picture[4:20, 4:20] = 235
    return picture


def film(path: Path, pictures: list[np.ndarray], times: list[float], beeps: list[float] = (), sound_from: float | None = None, aspect: Fraction | None = None, turned: int = 0) -> Path:
    """Writes pictures with their time stamps; a track of sound from `sound_from` on with short tones at `beeps`, by the film's clock."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=1000)
        video.width, video.height, video.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], "yuv420p"
        video.bit_rate = 4_000_000
        video.codec_context.time_base = Fraction(1, 1000)
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if turned:
            video.set_display_rotation(turned)
        track = container.add_stream("aac", rate=RATE_HZ, layout="mono") if sound_from is not None else None
        for picture, time in zip(pictures, times):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if track:
            count = int((times[-1] - sound_from) * RATE_HZ)
            at = sound_from + np.arange(count) / RATE_HZ
            wave = sum(np.where((at >= beep) & (at < beep + 0.05), np.sin(2 * np.pi * 440 * at), 0) for beep in beeps)
            for first in range(0, count - 1024, 1024):
                frame = av.AudioFrame.from_ndarray(0.5 * np.asarray(wave[None, first : first + 1024], np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first + round(sound_from * RATE_HZ), Fraction(1, RATE_HZ)
                container.mux(track.encode(frame))
            container.mux(track.encode())
    return path


def test_a_variable_rate_keeps_its_time(tmp_path):
    # Eight a second for the first two seconds, then 50; each is as bright as it is late.
    times = [*np.arange(0, 2, 0.125), *np.arange(2, 4, 0.02)]
    clip = footage.clips_of([film(tmp_path / "variable.mp4", [grey(20 + 40 * t) for t in times], times)])[0]
    assert clip.count in (99, 100, 101)
    levels = np.array([picture[40:, 40:].mean() for picture in clip.pictures()])
    shown = (levels - 20) / 40
    moments = (np.arange(len(levels)) + 0.5) / 25
    late = moments - shown
    assert np.abs(late[:45] - 0.06).max() < 0.13 and np.abs(late[52:]).max() < 0.08


def test_sound_that_begins_late_stays_with_its_pictures(tmp_path):
    times = np.arange(0, 4, 0.04)
    path = film(tmp_path / "late.mp4", [grey(90)] * len(times), times, beeps=[1.0, 2.5], sound_from=0.6)
    clip = footage.clips_of([path])[0]
    samples = sound.samples_of(clip)
    loud = np.flatnonzero(np.abs(samples) > 0.1) / mel.RATE_HZ
    starts = loud[np.concatenate([[True], np.diff(loud) > 0.3])]
    assert np.abs(starts - [1.0, 2.5]).max() < 0.04, starts


def test_pictures_stand_upright_with_square_pixels_and_any_name(tmp_path):
    times = np.arange(0, 2, 0.04)
    turned = footage.clips_of([film(tmp_path / "my: film.mp4", [grey(90)] * 50, times, turned=90)])[0]
    picture = next(turned.pictures())
    assert (turned.width, turned.height) == SIZE[::-1] and picture.shape == (SIZE[0], SIZE[1], 3)
    corner = np.argwhere(picture[..., 0] > 200).mean(0)
    assert corner[0] > SIZE[0] - 24 and corner[1] < 24, "the square was in the upper left corner, and went with the turn"
    wide = footage.clips_of([film(tmp_path / "wide.mkv", [grey(90)] * 50, times, aspect=Fraction(4, 3))])[0]
    assert (wide.width, wide.height) == (128, 64) and next(wide.pictures()).shape == (64, 128, 3)


def coded(path: Path, pictures: list[np.ndarray], codec: str, pixels: str, options: dict[str, str] = {}, **colours: int) -> Path:
    """A film of 25 pictures a second, `rgb24` or `rgb48le`, in another codec or format of pixels."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], pixels
        for name, value in colours.items():
            setattr(video.codec_context, name, value)
        for picture in pictures:
            wide = picture.dtype == np.uint16
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le" if wide else "rgb24").reformat(format=pixels)
            for name, value in colours.items():
                setattr(frame, name, value)
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return path


def test_ten_bits_are_the_same_picture(tmp_path):
    shown = [grey(40 + 3 * k) for k in range(50)]
    clip = footage.clips_of([coded(tmp_path / "ten.mkv", shown, "ffv1", "yuv420p10le")])[0]
    for picture, wanted in zip(clip.pictures(), shown):
        assert np.abs(picture.astype(int) - wanted).mean() < 3


def test_interlaced_pictures_become_whole(tmp_path):
    """A bar moves by four pixels from one field to the next: as it is coded, its edge is a comb."""
    def woven(number: int) -> np.ndarray:
        picture = grey(90)
        for field in (0, 1):
            left = 8 + 8 * number + 4 * field
            picture[field::2, left : left + 16] = 220
        return picture

    def comb(picture: np.ndarray) -> float:
        rows = picture[24:56, :, 0].astype(int)
        return np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean()

    path = coded(tmp_path / "woven.mpg", [woven(k) for k in range(8)] * 6, "mpeg2video", "yuv420p", {"flags": "+ildct+ilme", "q:v": "2", "b": "8000000"})
    clip = footage.clips_of([path])[0]
    shown = list(clip.pictures())
    assert np.mean([comb(picture) for picture in shown[2:7]]) < 0.35 * np.mean([comb(woven(k)) for k in range(2, 7)])


def test_hdr_is_toned(tmp_path):
    """PQ at 0, 25, 38, 58 (paper) and 75 % of the signal: black, shade, grey, white, and a light that is no whiter than white may be."""
    signal = (0.0, 0.25, 0.38, 0.58, 0.75)
    steps = np.repeat(np.array(signal), 20)[None, :, None].repeat(64, 0).repeat(3, 2)
    pictures = [np.round(65535 * steps).astype(np.uint16)] * 50
    path = coded(tmp_path / "hdr.mkv", pictures, "ffv1", "yuv420p10le", color_trc=16, color_primaries=9, colorspace=9, color_range=1)
    levels = next(footage.clips_of([path])[0].pictures())[32, 10::20, 0].astype(int)
    assert levels[0] <= 4 and (np.diff(levels) > 8).all(), levels
    assert 190 < levels[3] < levels[4] <= 255, "paper is nearly white, and what is brighter keeps its shape"


def test_cuts_divide_a_film(tmp_path):
    random = np.random.default_rng(1)
    first, second = (np.kron(random.integers(40, 200, (8, 12, 3)), np.ones((8, 8, 1))) for _ in range(2))

    def shaking(picture, number):
        return np.roll(picture, int(2 * np.sin(number)), 1).astype(np.uint8)

    pictures = [shaking(first, k) for k in range(60)] + [shaking(second, k) for k in range(50)] + [shaking(first, k) for k in range(40)]
    path = film(tmp_path / "cut.mp4", pictures, np.arange(150) * 0.04, beeps=[3.0], sound_from=0.0)
    clips = footage.clips_of([path])
    assert [clip.count for clip in clips] == [60, 50, 40]
    assert [clip.number for clip in clips] == [0, 60, 110]
    kept, others = footage.alike(clips)
    assert [clip.number for clip in kept] == [0, 110] and [clip.number for clip in others] == [60]
    # A later shot is read from its own beginning, pictures and sound.
    assert np.abs(next(clips[1].pictures()).astype(int) - pictures[60]).mean() < 12
    loud = np.flatnonzero(np.abs(sound.samples_of(clips[1])) > 0.1)
    assert loud[0] / mel.RATE_HZ == pytest.approx(3.0 - 60 * 0.04, abs=0.04)


def test_a_shaking_camera_makes_no_cuts():
    random = np.random.default_rng(2)
    still = np.kron(random.integers(0, 255, (8, 12, 3)), np.ones((4, 4, 1)))
    assert footage.cuts(np.stack([np.roll(still, k % 3, 1) for k in range(80)]).astype(np.uint8)) == []


def test_files_that_are_no_film_are_refused(tmp_path):
    alone = tmp_path / "sound.mp4"
    with av.open(str(alone), "w") as container:
        track = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(track.encode(frame))
        container.mux(track.encode())
    with pytest.raises(footage.Refused, match="only sound"):
        footage.clips_of([alone])
    whole = film(tmp_path / "whole.mp4", [grey(90)] * 50, np.arange(50) * 0.04)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:900])
    with pytest.raises(footage.Refused):
        footage.clips_of([cut])


def test_hdr_keeps_the_light_of_paper():
    # Paper has 58 % of the signal of PQ and 75 % of HLG's (BT.2408).
    for curve, signal in ((reading._pq(), 0.58), (reading._hlg(), 0.75)):
        assert curve[round(65535 * signal)] == pytest.approx(reading.WHITE_NITS, rel=0.1)
        assert (np.diff(curve) >= 0).all() and curve[0] == 0


@pytest.mark.parametrize("late", [-9, -2, 0, 3, 11])
def test_the_offset_of_sound_against_lips_is_found(late):
    random = np.random.default_rng(3)
    jaw = np.convolve(random.uniform(0, 1, 600), np.ones(5) / 5, "same")
    said = np.zeros((600, len(COEFFICIENTS)), np.float32)
    said[:, COEFFICIENTS.index("jawOpen")] = np.roll(jaw, late)
    lips = jaw + 0.05 * random.normal(size=600)
    found = sound.offset([said], [lips])
    assert found.pictures == late and found.is_sure and found.r > 0.9
    moved = sound.shifted(said, found.pictures)[20:-20, COEFFICIENTS.index("jawOpen")]
    assert np.allclose(moved, jaw[20:-20], atol=1e-6)


def test_a_voice_that_is_not_the_face_s_is_not_placed():
    random = np.random.default_rng(4)
    said = np.zeros((600, len(COEFFICIENTS)), np.float32)
    said[:, COEFFICIENTS.index("jawOpen")] = np.convolve(random.uniform(0, 1, 600), np.ones(5) / 5, "same")
    assert not sound.offset([said], [random.normal(size=600)]).is_sure
