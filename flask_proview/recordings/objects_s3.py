"""Objects in S3 or anything that speaks it. Endpoint, region and credentials come from where boto3 looks for them:
``AWS_ENDPOINT_URL_S3``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, profiles, instance roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from .objects import CHUNK, ObjectMissing, ObjectStoreError

CONNECT_S, READ_S, ATTEMPTS = 5, 60, 3
PART_BYTES = 16 << 20
_MISSING = ("404", "NoSuchKey", "NotFound")


class S3Objects:
    """One bucket and a prefix in it. boto3's clients may be shared between threads."""

    def __init__(self, url: str) -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self._bucket = bucket
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        self._made: Any = None
        # One thread for each transfer: the caller's.
        self._transfer = TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False
        )

    def put(self, key: str, path: Path) -> None:
        with self._named(key):
            self._client.upload_file(str(path), self._bucket, self._prefix + key, Config=self._transfer)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if length == 0:
            return iter(())
        end = "" if length is None else str(start + length - 1)
        wanted = {"Range": f"bytes={start}-{end}"} if start or end else {}
        with self._named(key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **wanted)["Body"]
        return self._chunks(key, body)

    def size(self, key: str) -> int | None:
        try:
            with self._named(key):
                return int(self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)["ContentLength"])
        except ObjectMissing:
            return None

    def delete(self, prefix: str) -> None:
        with self._named(prefix):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if not keys:
                    continue
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
                for error in answer.get("Errors", []):
                    raise ObjectStoreError(f"{error.get('Key')} was not deleted: {error.get('Code')}")

    @property
    def _client(self) -> Any:
        # Made when it is first used: a fork between would share its connections.
        if self._made is None:
            self._made = boto3.client(
                "s3",
                config=BotoConfig(
                    connect_timeout=CONNECT_S,
                    read_timeout=READ_S,
                    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                    # Not every compatible store knows the newer checksums; every object is read back and compared anyway.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )
        return self._made

    def _chunks(self, key: str, body: Any) -> Iterator[bytes]:
        try:
            with self._named(key):
                yield from body.iter_chunks(CHUNK)
        finally:
            body.close()

    @contextmanager
    def _named(self, key: str) -> Iterator[None]:
        """boto3's errors as ours."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _MISSING:
                raise ObjectMissing(f"{key}: {code}") from None
            raise ObjectStoreError(f"{self._bucket}/{key}: {error}") from error
        except (BotoCoreError, boto3.exceptions.Boto3Error) as error:
            raise ObjectStoreError(f"{self._bucket}/{key}: {error}") from error
