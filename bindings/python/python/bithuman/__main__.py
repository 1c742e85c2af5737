"""``python -m bithuman render AVATAR --audio speech.wav --output speech.mp4``."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import time
from typing import Iterator, List, Optional, Tuple, Union

from . import __version__, open
from ._engine import _PROVIDERS
from .exceptions import BithumanError, exit_code


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs a command and gives its exit code."""
    options = _parser().parse_args(arguments)
    try:
        with _terminable():
            return _render(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (BithumanError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code(error)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end what is under way as an interruption from the keyboard does, so that no unfinished file is left."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        # Not in the main thread: signals are its program's business.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bithuman", description="Real-time talking avatars on your own machine.")
    parser.add_argument("--version", action="version", version=f"bithuman {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    render = commands.add_parser("render", help="speech into an MP4 file")
    render.add_argument("avatar", help="an .imx file")
    render.add_argument("-a", "--audio", required=True, help="speech: wav, flac, mp3, ogg or m4a")
    render.add_argument("-o", "--output", required=True, help="the MP4 file to write")
    render.add_argument("--quality", choices=("low", "medium", "high"), default="medium")
    render.add_argument("--target-size", type=_size, metavar="N|WxH", help="size of the pictures: the longer side, or both")
    render.add_argument("--provider", choices=tuple(_PROVIDERS), default="auto", help="what runs the networks")
    return parser


def _render(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    with open(options.avatar, provider=options.provider) as avatar:
        file = avatar.render_file(options.audio, options.output, size=options.target_size, quality=options.quality)
    wall = time.monotonic() - begin
    print(f"{file.path}: {file.frames} frames, {file.duration:.2f} s, {file.width}x{file.height}, rendered in {wall:.1f} s")
    return 0


def _size(words: str) -> Union[int, Tuple[int, int]]:
    sides = [int(side) for side in words.lower().split("x")]
    if len(sides) == 1:
        return sides[0]
    width, height = sides
    return (width, height)


if __name__ == "__main__":
    sys.exit(main())
