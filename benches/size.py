"""Measures the release binary, and the zip that is deployed.

Usage: python3 benches/size.py [target/release/transcript-summarizer]
"""

import io
import pathlib
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
# What must hold, in bytes.
MOST_BINARY = 10_000_000
MOST_ZIP = 4_800_000


def main():
    binary = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/transcript-summarizer").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        # The name that Lambda starts.
        archive.writestr("bootstrap", binary)
    holds = True
    for name, size, most in (("binary", len(binary), MOST_BINARY), ("zip", packed.tell(), MOST_ZIP)):
        holds &= size <= most
        print("holds:" if size <= most else "BROKEN:", f"{name} {size / 1e6:.2f} MB (at most {most / 1e6})")
    sys.exit(0 if holds else 1)


main()
