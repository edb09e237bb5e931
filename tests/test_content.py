"""Content codings are undone, within bounds; what is not encoded is left alone."""

import gzip
import random
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import splits
from tokentape import content
from tokentape.errors import FormatError, LimitError, TokenTapeError
from tokentape.limits import DEFAULT_LIMITS, Limits

TEXT = b'data: {"a": 1}\n\n' * 9


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (TEXT, None),
        (TEXT, ""),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), "X-GZIP"),
        (gzip.compress(TEXT[:20]) + gzip.compress(TEXT[20:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
        (zstandard.compress(TEXT), "zstd"),
        (zstandard.compress(TEXT[:20]) + zstandard.compress(TEXT[20:]), "zstd"),
        (zstandard.compress(gzip.compress(TEXT)), "gzip, zstd"),
        (TEXT, "gzip"),
        (TEXT, "deflate"),
        (TEXT, "zstd"),
        (TEXT, "br"),
        (brotli.compress(TEXT), "br"),
        (gzip.compress(brotli.compress(TEXT)), "br, gzip"),
        (TEXT, "made-up"),
    ],
)
def test_codings_are_undone(body: bytes, coding: str | None) -> None:
    assert content.decode(body, coding) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd", "br", "identity"])
def test_nothing_is_nothing(coding: str) -> None:
    assert content.decode(b"", coding) == b""


@pytest.mark.parametrize("coding", ["compress", "made-up"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(FormatError, match=f"content coding '{coding}'"):
        content.decode(b"\x8b\x00\x80\xff\xfe", coding)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(bytes(1 << 22)), "gzip"),
        (zlib.compress(bytes(1 << 22)), "deflate"),
        (brotli.compress(bytes(1 << 22)), "br"),
        (zstandard.compress(bytes(1 << 22)), "zstd"),
    ],
)
def test_the_size_is_bounded(body: bytes, coding: str) -> None:
    with pytest.raises(LimitError, match="more than 1000 bytes"):
        content.decode(body, coding, Limits(max_bytes=1000))


@pytest.mark.parametrize(("pack", "coding"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
def test_a_stream_that_was_cut_gives_what_is_there(
    pack: Callable[[bytes], bytes], coding: str
) -> None:
    body = pack(TEXT)
    found = content.decode(body[:-9], coding)
    assert found
    assert TEXT.startswith(found)


def test_a_brotli_stream_that_was_cut_gives_what_is_there() -> None:
    text = random.Random(7).randbytes(1 << 18).hex().encode()
    found = content.decode(brotli.compress(text)[:-1000], "br")
    assert 0 < len(found) < len(text)
    assert text.startswith(found)


def test_damage_is_an_error() -> None:
    with pytest.raises(FormatError, match="brotli data, but it is damaged"):
        content.decode(b"\xff" * 20, "br")
    body = bytearray(gzip.compress(TEXT))
    body[15] ^= 0xFF
    with pytest.raises(FormatError, match="damaged"):
        content.decode(bytes(body), "gzip")


@given(body=st.binary(), coding=st.sampled_from(["gzip", "deflate", "zstd", "br", "x, gzip"]))
@pytest.mark.parametrize("magic", [b"", content.GZIP_MAGIC, content.ZSTD_MAGIC, b"\x78\x9c"])
def test_any_bytes(magic: bytes, body: bytes, coding: str) -> None:
    try:
        assert isinstance(content.decode(magic + body, coding), bytes)
    except TokenTapeError as error:
        assert error.message  # noqa: PT017 - most bytes give an error, not all


@given(data=st.binary(max_size=3000), cut=st.integers(0, 3000), checksum=st.booleans())
def test_a_cut_zstd_file_is_known(data: bytes, cut: int, checksum: bool) -> None:
    packed = zstandard.ZstdCompressor(write_checksum=checksum).compress(data)
    assert content.unzstd(packed, DEFAULT_LIMITS) == (data, True)
    if 4 < cut < len(packed):
        assert not content.unzstd(packed[:cut], DEFAULT_LIMITS)[1]


@pytest.mark.parametrize(
    ("body", "coding", "encoded"),
    [
        (gzip.compress(TEXT), "gzip", True),
        (TEXT, "gzip", False),
        (zlib.compress(TEXT), "deflate", True),
        (zstandard.compress(TEXT), "zstd", True),
        (b"\x8b\x00\x80\xff", "br", True),
        (TEXT, "br", False),
        (TEXT, None, False),
        (b"\xff", "identity", False),
    ],
)
def test_whether_a_body_is_encoded(body: bytes, coding: str | None, encoded: bool) -> None:
    assert content.is_encoded(body, coding) is encoded


CODED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate without its header": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("coding", CODED)
@given(data=st.data())
def test_a_body_decodes_read_by_read_as_it_does_whole(coding: str, data: st.DataObject) -> None:
    body = CODED[coding](data.draw(st.binary(max_size=400)) * 3)
    name = coding.split()[0]
    try:
        whole = content.decode(body, name)
    except FormatError:
        return  # bytes that happen to look encoded
    decoder = content.Decoder(body, name)
    assert b"".join(map(decoder.feed, data.draw(splits(body)))) == whole


def test_a_large_body_decodes_read_by_read_within_the_limit() -> None:
    for name in ("gzip", "deflate", "br", "zstd"):
        body = CODED[name](bytes(5_000_000))
        assert len(content.Decoder(body, name).feed(body)) == 5_000_000
        with pytest.raises(LimitError):
            content.Decoder(body, name, Limits(max_bytes=4_000_000)).feed(body)


def test_members_of_a_gzip_body_decode_read_by_read() -> None:
    body = gzip.compress(TEXT) + gzip.compress(b"more")
    assert content.Decoder(body, "gzip").feed(body) == TEXT + b"more"


@pytest.mark.parametrize("coding", ["gzip, br", "compress"])
def test_what_can_not_be_undone_read_by_read_is_said(coding: str) -> None:
    with pytest.raises(FormatError, match="expected one content coding"):
        content.Decoder(b"\x8b\xff", coding)
