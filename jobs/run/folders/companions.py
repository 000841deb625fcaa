"""What lies beside movies and is none: told by its ending, or where that says nothing, by its first bytes."""

import codecs
from collections import Counter
from pathlib import Path
from typing import Final

_KINDS: Final = {
    "picture": "jpg jpeg jpe jfif png bmp tif tiff webp heic heif heics hif avif avifs jxl jp2 svg psd ico icns tga "
    "exr dpx eps ai xcf thm cr2 cr3 crw nef nrw arw srf sr2 dng gpr raf orf rw2 pef srw x3f insp",
    "sound": "mp3 aac ac3 eac3 dts mka oga opus weba wav aif aiff aifc flac wma mid midi cda aup aup3 mpa dsf dff",
    "subtitle": "srt ass ssa sub idx vtt sup smi sami sbv lrc stl ttml dfxp usf",
    "list of movies": "m3u pls xspf wpl asx cue",
    "text": "txt md rst nfo log csv tsv json jsonl xml html htm css js yaml yml ini toml cfg conf plist url webloc "
    "desktop lnk rtf tex opf nomedia",
    "document": "pdf doc docx xls xlsx ppt pptx odt ods odp epub pages numbers key",
    "archive": "zip rar 7z gz tgz xz bz2 zst tar iso img dmg cab jar apk exe msi dll so whl",
    "checksum": "par2 sfv md5 sha1 sha256 sha512 crc torrent",
    "unfinished download": "part partial crdownload download filepart aria2 tmp temp !ut !qb bc! opdownload",
    "file of a camera or disc": "xmp aae ifo bup bdm bdmv cpi clpi mpl mpls tdt tid bdt lrv lrf ssif sav cif cpf ppn "
    "bim rmd mie moi pgi ctg gis gps wptt dop pp3 cos cosessiondb on1",
    "project": "prproj drp aep fcpxml veg kdenlive mlt osp blend",
    "data": "parquet npz npy pkl h5 hdf5 keras onnx pt db db-wal db-shm sqlite sqlite3 py pyc ipynb r sh bat ps1 c h "
    "cpp java rb go rs ds_store",
}
KIND_OF: Final = {f".{ending}": kind for kind, endings in _KINDS.items() for ending in endings.split()}
"""Of what is never tried in a folder, by its ending in lower case."""

_MOVIES: Final = frozenset(
    ".mp4 .m4v .m4a .mov .qt .mkv .mk3d .webm .avi .divx .mpg .mpeg .mpe .m1v .m2v .mpv .vob .evo .m2ts .m2t .tp .trp "
    ".flv .f4v .asf .wmv .wtv .dvr-ms .3gp .3g2 .ogv .ogm .ogg .mxf .gxf .rm .rmvb .dv .dif .y4m .nut .gif .apng .mjpg "
    ".mjpeg .mjp .264 .h264 .avc .265 .h265 .hevc .vvc .av1 .ivf .obu .amv .mpo .insv .360 .braw .bik .smk .swf .roq "
    ".nsv .mve .fli .flc .m3u8 .mpd".split()
)
"""Endings that promise a movie: such a file is tried whatever it holds, and fails if need be.
Not among them: .ts, .mts and .mod, which are also sources of programs."""

_MAGIC: Final = (
    (b"\xff\xd8\xff\xe0", "picture"),
    (b"\xff\xd8\xff\xe1", "picture"),
    (b"\x89PNG\r\n", "picture"),
    (b"II*\0", "picture"),
    (b"MM\0*", "picture"),
    (b"8BPS", "picture"),
    (b"ID3", "sound"),
    (b"fLaC", "sound"),
    (b"%PDF-", "document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "data"),  # Thumbs.db by another name, older documents
    (b"SQLite format 3\0", "data"),
    (b"\x89HDF\r\n", "data"),
    (b"PAR1", "data"),
    (b"PK\3\4", "archive"),
    (b"Rar!\x1a\7", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\0", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"\x7fELF", "data"),
    (b"MZ", "data"),
    (b"DVDVIDEO-V", "file of a camera or disc"),
)
_STILL_BRANDS: Final = (b"avif", b"heic", b"heix", b"mif1")
_MOVIE_TEXTS: Final = ("YUV4MPEG2", "#EXTM3U", "ffconcat")
_HEAD_BYTES: Final = 4096


def kind_of(path: Path) -> str:
    """Return what a file in a folder is, if it is no movie; "" for what is to be tried."""
    ending = path.suffix.lower()
    kind = KIND_OF.get(ending, "")
    return kind if kind or ending in _MOVIES else _by_content(path)


def _by_content(path: Path) -> str:
    """Look at the first bytes; what cannot be read is to be tried, and fails with the reason."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return ""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return "picture"
    return "text" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    if not head:
        return False
    try:
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = head[: len(head) // 2 * 2].decode("utf-16", "ignore")
        else:
            text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the end may be half a letter
    except UnicodeDecodeError:
        if any(byte < 9 or 13 < byte < 32 or byte == 127 for byte in head):
            return False
        text = head.decode("latin-1")  # of old, from Windows or a DVD's maker
    return not text.startswith(_MOVIE_TEXTS) and all(c.isprintable() or c in "\t\r\n\f\v\x1a\ufeff" for c in text)


class PassedOver:
    """Counts what is passed over, by kind and ending."""

    def __init__(self) -> None:
        self._endings: dict[str, Counter[str]] = {}

    def add(self, kind: str, path: Path) -> None:
        """Count a file."""
        self._endings.setdefault(kind, Counter())[path.suffix.lower().removeprefix(".") or "no ending"] += 1

    def line(self) -> str:
        """Return all of it in a line; "" where there is nothing."""
        count = sum(map(Counter.total, self._endings.values()))
        kinds = sorted(self._endings.items(), key=lambda item: (-item[1].total(), item[0]))
        parts = [f"{endings.total()} {_several(kind, endings.total())} ({_named(endings)})" for kind, endings in kinds]
        if not count:
            return ""
        return f"skipped {count} {_several('file', count)} besides movies: {', '.join(parts)}"


def _several(kind: str, count: int) -> str:
    if count == 1 or kind == "data":
        return kind
    first, of, rest = kind.partition(" of ")
    plural = first.removesuffix("y") + "ies" if first.endswith("y") else f"{first}s"
    return plural + of + rest


def _named(endings: "Counter[str]") -> str:
    return " ".join(name for name, _ in sorted(endings.items(), key=lambda item: (-item[1], item[0])))
