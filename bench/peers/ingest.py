"""Ingestion as the `datasets` library and Pillow do it: the peer of `npm run bench -- ingest`.

    ingest.py FILE FOLDER

Loads the parquet file, decodes every image, resizes its longer side to 224 pixels (Pillow's thumbnail, which like ours
lets the JPEG decoder downscale first if the picture is much larger), encodes it as JPEG at quality 95 without chroma
subsampling, hashes it and stores it in FOLDER under its digest, in two processes. Prints one line of JSON:
{"imageCount", "wallMs", "processorMs" (including its two workers), "residentMebibytesMax" (excluding them)}.
"""

import hashlib
import io
import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

import datasets
from PIL import Image


def ingest(row, folder):
    image = row["image"].convert("RGB") if row["image"].mode != "RGB" else row["image"]
    image.thumbnail((224, 224), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=95, subsampling=0)
    digest = hashlib.sha256(encoded.getvalue()).hexdigest()
    with open(os.path.join(folder, digest), "wb") as file:
        file.write(encoded.getvalue())
    return {"digest": digest}


def main(file, folder):
    datasets.disable_progress_bars()
    started = time.perf_counter()
    rows = datasets.load_dataset("parquet", data_files=file, split="train", cache_dir=os.path.join(folder, "cache"))
    rows = rows.cast_column("image", datasets.Image())
    done = rows.map(ingest, fn_kwargs={"folder": folder}, remove_columns=["image"], num_proc=2)
    wall_ms = (time.perf_counter() - started) * 1000
    processor_ms = sum(os.times()[:4]) * 1000
    with open("/proc/self/status") as status:
        resident = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    print(json.dumps({"imageCount": len(set(done["digest"])), "wallMs": wall_ms, "processorMs": processor_ms, "residentMebibytesMax": resident}))


if __name__ == "__main__":
    main(*sys.argv[1:])
