#!/usr/bin/env python3
"""Makes the files in tests/data that need an encoder: a burst of 10 ms, 0.2 s into 0.4 s, in every
codec and container that is read or named. Tests don't run this; what it made is committed.

    python3 media/tests/generate.py [FFMPEG]

The files were made with ffmpeg 9.0.2. Headers that are wrong on purpose are made by the tests.
"""

import pathlib
import struct
import subprocess
import sys

DATA = pathlib.Path(__file__).parent / "data"
FFMPEG = sys.argv[1] if len(sys.argv) > 1 else "ffmpeg"


def encode(name, *options, source="burst.wav", before=()):
    """Encodes a file of DATA."""
    command = [FFMPEG, "-v", "error", "-y", "-bitexact", *before, "-i", DATA / source]
    subprocess.run([*command, "-map_metadata", "-1", *options, DATA / name], check=True)


def noise(name, parts):
    """A wav file at 24 kHz of silence and noise by turns: (seconds, loudness)."""
    state, samples = 1, []
    for seconds, loudness in parts:
        for _ in range(int(24000 * seconds)):
            state = (state * 1664525 + 1013904223) % (1 << 32)
            samples.append(int(((state >> 16) - 32768) * loudness))
    data = struct.pack(f"<{len(samples)}h", *samples)
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 1, 1, 24000, 48000, 2, 16,
                       b"data", len(data))
    (DATA / name).write_bytes(head + data)


def main():
    encode("burst_alac.m4a", "-c:a", "alac")
    encode("burst_alac.caf", "-c:a", "alac")
    encode("burst_opus.m4a", "-c:a", "libopus", "-b:a", "24k", "-f", "mp4")
    encode("burst_opus.ogg", "-c:a", "libopus", "-b:a", "24k")
    encode("burst_opus.webm", "-c:a", "libopus", "-b:a", "24k")
    encode("burst_opus51.ogg", "-c:a", "libopus", "-b:a", "64k", "-af", "aresample=48000,aformat=channel_layouts=5.1")
    encode("burst_vorbis.webm", "-c:a", "libvorbis")
    encode("burst_flac.ogg", "-c:a", "flac")
    encode("burst_flac.mkv", "-c:a", "flac")
    encode("burst_mp3.mp4", "-c:a", "libmp3lame", "-ar", "24000")
    encode("burst.aiff", "-c:a", "pcm_s16be")
    encode("burst_24.caf", "-c:a", "pcm_s24le")
    encode("burst.mp2", "-c:a", "mp2", "-b:a", "32k")
    encode("burst.aac", "-c:a", "aac", "-b:a", "32k")
    encode("burst_adpcm_ms.wav", "-c:a", "adpcm_ms")
    encode("burst_adpcm_ima.wav", "-c:a", "adpcm_ima_wav")
    encode("burst_mulaw.wav", "-c:a", "pcm_mulaw")
    encode("burst_alaw.wav", "-c:a", "pcm_alaw")
    encode("burst_mp3.wav", "-c:a", "libmp3lame", "-ar", "24000")
    encode("burst51.m4a", "-c:a", "aac", "-af", "aresample=48000,aformat=channel_layouts=5.1", "-b:a", "96k")
    encode("burst.mov", "-c:a", "aac", "-b:a", "32k")
    encode("burst_late.m4a", "-c:a", "aac", "-b:a", "32k", before=("-itsoffset", "1.5"))
    encode("burst_fragments.m4a", "-c:a", "aac", "-b:a", "32k", "-movflags", "empty_moov+frag_keyframe+default_base_moof")
    # Named, not read.
    encode("burst.ac3", "-c:a", "ac3", "-ar", "48000", "-b:a", "32k")
    encode("burst_ac3.mp4", "-c:a", "ac3", "-ar", "48000", "-b:a", "32k")
    encode("burst_g726.wav", "-c:a", "g726", "-ar", "8000")
    encode("burst.wma", "-c:a", "wmav2", "-b:a", "32k")
    encode("burst.au", "-c:a", "pcm_s16be")
    # Variable rate without a tag: LAME writes this into a pipe. From the first frames, which are
    # silence or noise, the length can't be told.
    noise("noise.wav", [(1.0, 0), (0.5, 0.2)])
    encode("vbr_silence_first.mp3", "-c:a", "libmp3lame", "-q:a", "9", "-write_xing", "0", "-id3v2_version", "0", source="noise.wav")
    noise("noise.wav", [(0.5, 0.2), (1.0, 0)])
    encode("vbr_noise_first.mp3", "-c:a", "libmp3lame", "-q:a", "9", "-write_xing", "0", "-id3v2_version", "0", source="noise.wav")
    (DATA / "noise.wav").unlink()


main()
