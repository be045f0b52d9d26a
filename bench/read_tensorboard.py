"""Reads a run's TensorBoard files with TensorBoard itself and holds them against metrics.jsonl.

    python bench/read_tensorboard.py RUN      (RUN made with --tensorboard; needs tensorboard and pillow)
"""

import io
import json
import sys
from pathlib import Path

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = Path(sys.argv[1])
entries = {}
for line in (run / "metrics.jsonl").read_text().splitlines():
    entry = json.loads(line)
    entries[entry["stage"], entry["iteration"]] = entry

checked = pictures = 0
for stage in sorted(path.name for path in (run / "tensorboard").iterdir()):
    events = EventAccumulator(str(run / "tensorboard" / stage), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    for tag in events.Tags()["scalars"]:
        found = {event.step: event.value for event in events.Scalars(tag)}
        wanted = {
            iteration: entry[tag]
            for (name, iteration), entry in entries.items()
            if name == stage and isinstance(entry.get(tag), (int, float))
        }
        assert found.keys() == wanted.keys(), (stage, tag, sorted(found), sorted(wanted))
        for step, value in found.items():
            # As float32; seconds differ where an evaluation was made again after a kill.
            assert "econds" in tag or abs(value - wanted[step]) <= 1e-6 * abs(wanted[step]), (stage, tag, step)
            checked += 1
    for tag in events.Tags()["images"]:
        for event in events.Images(tag):
            image = Image.open(io.BytesIO(event.encoded_image_string))
            assert image.size == (event.width, event.height), (stage, tag, event.step)
            picture = run / "samples" / f"{stage}-{event.step:08d}.png"
            assert picture.read_bytes() == event.encoded_image_string, picture
            pictures += 1

print(f"{run}: {checked} scalars and {pictures} pictures are what metrics.jsonl and samples/ say")
