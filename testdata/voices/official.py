"""What Supertonic's makers' own code does on the toy networks, for the Rust code to be held to.

    pip install supertonic==1.3.1 && python official.py      # writes ../vectors/supertonic.json
"""

import json
from pathlib import Path

import onnxruntime
from supertonic.core import Style, Supertonic, UnicodeProcessor

import numpy as np

HERE = Path(__file__).parent
VOICE = HERE / "supertonic-2"
TEXTS = [
    ("Hello , world", "en"),
    ("“It’s” a–b—c, isn‑t it ?", "en"),
    ("me@home, e.g., here, i.e., there!", "en"),
    ("ﬁne ''quoted''  a/b [c] x_y #5 | z", "en"),
    ("Größe und Übel", "de"),
    ("Où ça ? Là-bas : « ici »", "fr"),
    ("今日は。", "ja"),
    ("말해 봐", "ko"),
    ("That's 3.14 … and more", "en"),
    ("Stop;", "en"),
    ("(in brackets)", "es"),
    ("two\nlines\tand  spaces", "pt"),
    ("♥ love ☆ © me → you", "en"),
]


def main() -> None:
    sessions = [
        onnxruntime.InferenceSession(VOICE / "onnx" / f"{name}.onnx")
        for name in ("duration_predictor", "text_encoder", "vector_estimator", "vocoder")
    ]
    config = json.loads((VOICE / "onnx/tts.json").read_text())
    processor = UnicodeProcessor(str(VOICE / "onnx/unicode_indexer.json"))
    engine = Supertonic(config, processor, *sessions)
    style = json.loads((VOICE / "voice_styles/F1.json").read_text())
    tensor = lambda part: np.array(part["data"], np.float32).reshape(part["dims"])
    style = Style(tensor(style["style_ttl"]), tensor(style["style_dp"]))
    vectors = []
    for text, language in TEXTS:
        prepared = processor._preprocess_text(text, language)
        samples = None
        # The toy voice knows letters of Latin alone.
        if all(ord(c) < len(processor.indexer) and processor.indexer[ord(c)] >= 0 for c in prepared):
            wave, seconds = engine([text], style, total_step=2, speed=1.05, lang=language)
            # What their own program keeps of the sound.
            samples = int(engine.sample_rate * seconds[0])
            assert wave.shape[-1] >= samples
        vectors.append({"text": text, "language": language, "prepared": prepared, "samples": samples})
    path = HERE.parent / "vectors/supertonic.json"
    path.write_text(json.dumps(vectors, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
