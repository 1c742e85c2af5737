#!/usr/bin/env bash
# Makes the sounds of default.json: spoken by flite (voice slt), written as Opus by ffmpeg.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p sounds
python3 - <<'PYTHON' |
import json
script = json.load(open("default.json"))
for line in [script["greeting"], *script["replies"]]:
    print(line["sound"], line["text"], sep="\t")
PYTHON
while IFS=$'\t' read -r name text; do
    wav=$(mktemp --suffix .wav)
    flite -voice slt -f - -o "$wav" <<<"$text"
    ffmpeg -nostdin -loglevel error -y -i "$wav" -c:a libopus -b:a 32k -bitexact "sounds/$name"
    rm "$wav"
done
