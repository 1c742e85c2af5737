"""States of the engine's portraits, as the measurements ask for them."""
from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from essence_studio.portrait import hostile, rig, sweep
from essence_studio.speech.mouth import COEFFICIENTS


def test_a_state_is_written_in_the_order_that_the_program_reads():
    state = rig.State(mouth={"jawOpen": 0.5}, talk=1.0, blink=(0.25, 0.75), gaze=(3.0, -4.0), turn=(1.0, 2.0, 3.0), shift=(0.01, 0.02))
    values = state.values()
    assert len(values) == rig.STATE == 36
    assert values[COEFFICIENTS.index("jawOpen")] == 0.5 and values[16] == 1.0
    np.testing.assert_allclose(values[27:], [0.25, 0.75, 3, -4, 1, 2, 3, 0.01, 0.02], rtol=1e-6)


def test_a_sweep_moves_every_value_of_the_rig_and_stays_within_its_range():
    swept = np.stack([state.values() for state in sweep.states(500)])
    assert swept.shape == (500, rig.STATE)
    assert (np.ptp(swept, axis=0) > 0).all(), "a value that never moves"
    assert (swept[:, :29] >= 0).all() and (swept[:, :29] <= 1).all()
    most = [15, 15, 15, 12, 12, 0.05, 0.05]
    assert (np.abs(swept[:, 29:]) <= np.array(most) + 1e-6).all()


def program(folder: Path, script: str) -> Path:
    path = folder / "states.sh"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path


def test_pictures_and_faults_are_read_as_the_program_writes_them(tmp_path: Path):
    picture = bytes(range(4 * 2 * 1))
    one = struct.pack("<fIII", 3.5, 1, 2, 0) + struct.pack("<ff", 1.5, 0.5) + picture
    (tmp_path / "answer").write_bytes(struct.pack("<IIIf", 2, 1, 1, 40.0) + one)
    shown = rig.drawn(Path("face.png"), [rig.State()], program(tmp_path, f"cat '{tmp_path}/answer'; cat > /dev/null; echo 1 state >&2\n"))
    assert shown.pictures.tobytes() == picture and shown.pictures.shape == (1, 1, 2, 4)
    assert shown.eyes == 40.0 and shown.lips[0] == 3.5 and shown.faults[0].tolist() == [1, 2, 0]
    assert shown.landmarks.tolist() == [[[1.5, 0.5]]] and shown.message == "1 state"


def test_a_picture_that_the_engine_refuses_is_named_with_the_reason(tmp_path: Path):
    with pytest.raises(rig.Refused, match="face.png: no face was found"):
        rig.drawn(Path("face.png"), [rig.State()], program(tmp_path, "echo no face was found >&2; exit 1\n"))


def test_a_program_that_breaks_off_is_an_error_with_its_words(tmp_path: Path):
    head = struct.pack("<IIIf", 2, 1, 1, 40.0)
    (tmp_path / "answer").write_bytes(head + b"half")
    with pytest.raises(rig.Refused, match="out of memory"):
        rig.drawn(Path("face.png"), [rig.State()], program(tmp_path, f"cat '{tmp_path}/answer'; echo out of memory >&2; exit 1\n"))


def test_a_program_that_is_not_built_is_named_with_the_command(tmp_path: Path):
    with pytest.raises(rig.Refused, match="cargo build"):
        rig.drawn(Path("face.png"), [rig.State()], tmp_path / "missing")


def test_damaged_pictures_differ_by_their_seed_alone():
    picture = bytes(range(256)) * 40
    damaged = [hostile.damaged(picture, seed) for seed in range(30)]
    assert damaged == [hostile.damaged(picture, seed) for seed in range(30)]
    assert len(set(damaged)) == 30 and picture not in damaged


def test_what_becomes_of_damaged_pictures_is_counted(tmp_path: Path):
    (tmp_path / "face.png").write_bytes(bytes(1000))
    # The first byte of a damaged picture says how the program ends.
    script = "cat > /dev/null; case $(head -c 1 \"$1\" | od -An -tu1 | tr -d ' ') in 0) exit 0;; *) echo refused >&2; exit 1;; esac\n"
    ends, most = hostile.run([tmp_path / "face.png"], 6, tmp_path, program(tmp_path, script))
    assert sum(ends.values()) == 6 and set(ends) <= {"drawn", "refused"} and most > 0
    ends, _ = hostile.run([tmp_path / "face.png"], 2, tmp_path, program(tmp_path, "cat > /dev/null; kill -SEGV $$\n"))
    assert ends == {"crashed": 2}
