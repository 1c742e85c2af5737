"""The studio's menu: `python -m essence_studio create …`."""

import sys

VERBS = {"create": "make an avatar from a video or a portrait"}


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in VERBS:
        print("usage: python -m essence_studio VERB …\n" + "\n".join(f"  {verb}  {what}" for verb, what in VERBS.items()), file=sys.stderr)
        return 0 if sys.argv[1:2] in (["-h"], ["--help"]) else 2
    from .create import command

    return command.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
