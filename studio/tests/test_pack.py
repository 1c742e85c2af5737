"""The container as the studio writes it: `python -m pytest studio/tests` or `python studio/tests/test_pack.py`."""

import contextlib
import hashlib
import io
import json
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio import pack  # noqa: E402

MEMBERS = {"speech.onnx": b"speech", "frames/00000.jpg": bytes(range(100)), "empty.bin": b"", "größe.txt": b"x"}


class Pack(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name) / "a.imx"

    def test_renew_replaces_the_speech_network_and_nothing_else(self):
        manifest = {"name": "a", "coefficients": ["jawOpen"], "training": {"identity": {"steps": 1}},
                    "networks": {"speech": {"file": "speech.onnx", "inputs": {"mel": ["N", 64, 80]}}}}  # fmt: skip
        pack.write_imx(self.path, MEMBERS, manifest)
        networks = Path(self.folder.name)
        (networks / "speech.onnx").write_bytes(b"newer")
        (networks / "speech.json").write_text('{"window": 80, "coefficients": ["jawOpen"], "training": {"step": 2}}')
        self.assertEqual(pack.main(["renew", str(self.path), "--networks", str(networks)]), 0)
        written, members = pack.read_imx(self.path)
        self.assertEqual(members, {**MEMBERS, "speech.onnx": b"newer"})
        self.assertEqual(written["networks"]["speech"]["inputs"]["mel"], ["N", 80, 80])
        self.assertEqual(written["training"], {"identity": {"steps": 1}, "speech": {"step": 2}})
        (networks / "speech.json").write_text('{"window": 80, "coefficients": ["other"]}')
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(pack.main(["renew", str(self.path), "--networks", str(networks)]), 66)
        self.assertIn("coefficients", said.getvalue())

    def test_round_trip(self):
        written = pack.write_imx(self.path, MEMBERS, {"name": "a"})
        manifest, members = pack.read_imx(self.path)
        self.assertEqual(members, MEMBERS)
        self.assertEqual(list(members), list(MEMBERS))
        self.assertEqual(manifest, written)
        self.assertEqual(manifest["files"]["speech.onnx"], hashlib.sha256(b"speech").hexdigest())
        self.assertEqual([p.name for p in self.path.parent.iterdir()], ["a.imx"])

    def test_layout(self):
        pack.write_imx(self.path, MEMBERS, {"name": "a"})
        data = self.path.read_bytes()
        self.assertEqual(data[:8], b"IMX\0" + struct.pack("<HH", 2, 5))
        at, names = 8, []
        for _ in range(5):
            (length,) = struct.unpack_from("<H", data, at)
            names.append(data[at + 2 : at + 2 + length].decode())
            offset, size = struct.unpack_from("<QQ", data, at + 2 + length)
            self.assertEqual(offset % 64, 0)
            self.assertLessEqual(offset + size, len(data))
            at += length + 18
        self.assertEqual(names[-1], "manifest.json")
        self.assertEqual(offset + size, len(data))

    def test_same_input_gives_same_bytes(self):
        pack.write_imx(self.path, MEMBERS, {"name": "a"})
        first = self.path.read_bytes()
        pack.write_imx(self.path, MEMBERS, {"name": "a"})
        self.assertEqual(self.path.read_bytes(), first)

    def test_the_caller_s_manifest_stays_as_it_was(self):
        manifest = {"name": "a"}
        pack.write_imx(self.path, MEMBERS, manifest)
        self.assertEqual(manifest, {"name": "a"})

    def test_bad_names_are_refused(self):
        for name in ["", "/a", "a/../b", "..", "./a", "a//b", "a/", "a\\b", "a\0b", "a\nb", "C:a", "n" * 256]:
            with self.subTest(name=name), self.assertRaises(pack.PackError):
                pack.write_imx(self.path, {name: b""}, {})
        with self.assertRaisesRegex(pack.PackError, "manifest.json"):
            pack.write_imx(self.path, {"manifest.json": b"{}"}, {})
        self.assertFalse(self.path.exists())

    def test_numbers_that_json_lacks_are_refused(self):
        with self.assertRaises(ValueError):
            pack.write_imx(self.path, {}, {"name": float("nan")})

    def test_damage_is_found(self):
        pack.write_imx(self.path, MEMBERS, {"name": "a"})
        data = bytearray(self.path.read_bytes())
        data[data.index(bytes(range(50)))] ^= 1
        self.path.write_bytes(data)
        with self.assertRaisesRegex(pack.PackError, "00000.jpg differs"):
            pack.read_imx(self.path)
        for damaged, message in [(b"", "not an"), (data[:20], "damaged"), (data[:300], "outside"), (b"IMX\0\7\0\0\0", "7")]:
            self.path.write_bytes(damaged)
            with self.assertRaisesRegex(pack.PackError, message):
                pack.read_imx(self.path)

    def test_info(self):
        frame = {"width": 4, "height": 2, "count": 1, "rate": 25}
        pack.write_imx(self.path, MEMBERS, {"name": "a", "frame": frame})
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(pack.main(["info", str(self.path)]), 0)
        self.assertIn("4 x 2, 1 frames", out.getvalue())
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(pack.main(["info", "--json", str(self.path)]), 0)
        self.assertEqual(json.loads(out.getvalue())["name"], "a")
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(pack.main(["info", str(self.path) + ".none"]), 66)


if __name__ == "__main__":
    unittest.main()
