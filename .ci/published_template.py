"""Prints the template for a release: as template.yaml, but with code that was built and uploaded before.

SAM takes either a directory to build or an object in S3, and no condition can choose, so a file cannot be both.
"""

import pathlib

TEMPLATE = pathlib.Path(__file__).resolve().parents[1] / "template.yaml"
CHANGES = [
    (
        "Parameters:\n  ModelProvider:\n",
        """Parameters:
  CodeS3Bucket:
    Type: String
    AllowedPattern: ".+"
    ConstraintDescription: Expects the bucket, in this region, that the zip of the release was copied to.
    Description: The bucket, in this region, that the zip of the release was copied to.
  CodeS3Key:
    Type: String
    AllowedPattern: ".+"
    ConstraintDescription: Expects the key of that zip.
    Description: The key of that zip.
  ModelProvider:
""",
    ),
    ("    CodeUri: .\n", "    CodeUri: { Bucket: !Ref CodeS3Bucket, Key: !Ref CodeS3Key }\n"),
]


def published(source):
    for old, new in CHANGES:
        if source.count(old) != 1:
            raise SystemExit(f"template.yaml should have this once:\n{old}")
        source = source.replace(old, new)
    return source


if __name__ == "__main__":
    print(published(TEMPLATE.read_text(encoding="utf-8")), end="")
