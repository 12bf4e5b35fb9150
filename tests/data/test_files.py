"""Files in and out: what is written comes back, what is damaged is refused in words."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faltung.data import read, write
from faltung.data.files import replace_file
from faltung.errors import DtypeError, FileError, MissingDependency, ParameterError, ShapeError

RNG = np.random.default_rng(3)
DEPTHS = {
    "png": ("uint8", "uint16"),
    "tiff": ("uint8", "uint16", "int16", "int32", "uint32", "float16", "float32", "float64"),
    "gif": ("uint8",),
}
SHAPES = {"grey": (11, 7), "colour": (11, 7, 3)}


def random_numbers(shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return RNG.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def lossless_cases():
    for ending, dtypes in DEPTHS.items():
        for dtype in dtypes:
            for name, shape in SHAPES.items():
                if ending != "gif" or name == "grey":
                    yield pytest.param(ending, dtype, shape, id=f"{ending}-{dtype}-{name}")


@pytest.mark.parametrize(("ending", "dtype", "shape"), list(lossless_cases()))
def test_a_picture_comes_back_bit_for_bit(tmp_path, ending, dtype, shape):
    values = random_numbers(shape, dtype)
    write(tmp_path / f"p.{ending}", values)
    again = read(tmp_path / f"p.{ending}")
    assert again.values.dtype == values.dtype
    assert np.array_equal(again.values, values)
    assert again.form == "picture"
    assert again.axes == ("row", "column", "channel")[: values.ndim]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("ending", ["png", "tiff"])
@pytest.mark.parametrize("shape", list(SHAPES.values()), ids=list(SHAPES))
def test_alpha_is_kept_apart_and_put_back_untouched(tmp_path, ending, dtype, shape):
    from faltung.data.pictures import encode_picture

    channels = [*np.moveaxis(random_numbers((*shape[:2], 4), dtype), -1, 0)]
    pixels = np.stack(channels if len(shape) == 3 else channels[:2], axis=-1)
    path = tmp_path / f"p.{ending}"
    replace_file(path, encode_picture({"png": "PNG", "tiff": "TIFF"}[ending], pixels[None], ()))
    first = read(path)
    assert np.array_equal(first.alpha, pixels[..., -1])
    write(path, first.values, like=first)
    second = read(path)
    assert np.array_equal(second.values, first.values)
    assert np.array_equal(second.alpha, first.alpha)


@pytest.mark.parametrize("ending", ["tiff", "gif"])
def test_frames_come_back_in_order(tmp_path, ending):
    frames = random_numbers((4, 9, 6), "uint8")
    path = tmp_path / f"film.{ending}"
    write(path, frames)
    film = read(path)
    assert film.axes == ("frame", "row", "column")
    assert np.array_equal(film.values, frames)
    assert np.array_equal(read(path, frame=2).values, frames[2])
    with pytest.raises(ParameterError, match="0 to 3"):
        read(path, frame=4)


def test_packed_tiff_pages_keep_every_bit_whoever_unpacks_them(tmp_path):
    from PIL import Image

    frames = random_numbers((3, 9, 8), "uint8")
    pages = [Image.fromarray(frame) for frame in frames]
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression=packing)
        assert np.array_equal(read(tmp_path / "a.tif").values, frames)
        assert np.array_equal(read(tmp_path / "a.tif", frame=1).values, frames[1])


def test_pages_of_different_shape_are_read_one_at_a_time(tmp_path):
    import tifffile

    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.zeros((4, 5), np.uint8))
        file.write(np.ones((2, 3), np.uint8))
    with pytest.raises(FileError, match=r"differ in shape.*--frame 0"):
        read(tmp_path / "a.tif")
    assert read(tmp_path / "a.tif", frame=1).values.tolist() == [[1, 1, 1], [1, 1, 1]]


def test_tiff_variants_are_read_as_they_look(tmp_path):
    import tifffile

    grey, colour = random_numbers((6, 5), "uint8"), random_numbers((2, 6, 5, 3), "uint16")
    tifffile.imwrite(tmp_path / "white.tif", grey, photometric="miniswhite")
    assert np.array_equal(read(tmp_path / "white.tif").values, 255 - grey)
    tifffile.imwrite(tmp_path / "planes.tif", np.moveaxis(colour, -1, 1), photometric="rgb", planarconfig="separate")
    assert np.array_equal(read(tmp_path / "planes.tif").values, colour)
    tifffile.imwrite(tmp_path / "big.tif", colour, photometric="rgb", bigtiff=True, byteorder=">")
    assert np.array_equal(read(tmp_path / "big.tif").values, colour)
    tifffile.imwrite(tmp_path / "bits.tif", grey > 99, photometric="minisblack")
    assert np.array_equal(read(tmp_path / "bits.tif").values, (grey > 99) * 255)
    tifffile.imwrite(tmp_path / "stack.tif", colour[..., 0].astype(np.float32), imagej=True)
    assert np.array_equal(read(tmp_path / "stack.tif").values, colour[..., 0])


def test_colour_frames_keep_their_duration(tmp_path):
    from PIL import Image

    colours = [Image.new("RGB", (6, 5), colour) for colour in ("red", "green", "blue")]
    colours[0].save(tmp_path / "a.gif", save_all=True, append_images=colours[1:], duration=[20, 30, 40])
    film = read(tmp_path / "a.gif")
    assert film.values.shape == (3, 5, 6, 3)
    assert film.frame_s == (0.02, 0.03, 0.04)
    write(tmp_path / "b.gif", film.values, like=film)
    assert read(tmp_path / "b.gif").frame_s == film.frame_s


def test_jpeg_comes_back_nearly(tmp_path):
    ramp = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)
    write(tmp_path / "p.jpg", ramp)
    again = read(tmp_path / "p.jpg").values
    assert again.shape == ramp.shape
    assert np.abs(again.astype(int) - ramp).max() <= 4


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path):
    from PIL import Image

    picture = Image.fromarray(np.arange(0, 240, 10, np.uint8).reshape(4, 6))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "p.jpg", exif=exif)
    assert read(tmp_path / "p.jpg").values.shape == (6, 4)


def test_palettes_become_colours_and_their_transparency_alpha(tmp_path):
    from PIL import Image

    picture = Image.new("P", (3, 2))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "p.png", transparency=1)
    content = read(tmp_path / "p.png")
    assert content.values[0, 0].tolist() == [255, 0, 0]
    assert content.values[0, 1].tolist() == [0, 0, 255]
    assert content.alpha.tolist() == [[255, 0, 255], [255, 255, 255]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_sixteen_bit_colour_agrees_with_opencv(tmp_path, mode):
    cv2 = pytest.importorskip("cv2")
    # smooth content makes the encoder take all five line filters
    grid = np.add.outer(np.arange(120) * 300, np.arange(90) * 200)
    pixels = np.stack([grid + 700 * i + RNG.integers(0, 40, grid.shape) for i in range(len(mode))], -1).astype(
        np.uint16
    )
    cv2.imwrite(str(tmp_path / "p.png"), pixels, [cv2.IMWRITE_PNG_STRATEGY, 0, cv2.IMWRITE_PNG_FILTER, 0xF8])
    content = read(tmp_path / "p.png")
    assert np.array_equal(content.values, pixels[..., 2::-1])
    if mode == "RGBA":
        assert np.array_equal(content.alpha, pixels[..., 3])
    write(tmp_path / "q.png", content.values, like=content)
    assert np.array_equal(cv2.imread(str(tmp_path / "q.png"), cv2.IMREAD_UNCHANGED), pixels)


@pytest.mark.parametrize("line_filter", range(5))
def test_every_png_line_filter_is_undone(line_filter):
    from faltung.data import png16

    pixels = random_numbers((6, 5, 4), "uint8")
    stored = np.empty_like(pixels)
    padded = np.pad(pixels, ((1, 0), (1, 0), (0, 0))).astype(int)
    for i in range(6):
        for j in range(5):
            for b in range(4):
                left, above, corner = padded[i + 1, j, b], padded[i, j + 1, b], padded[i, j, b]
                near = min((left, above, corner), key=lambda v: abs(left + above - corner - v))
                guess = [0, left, above, (left + above) // 2, near][line_filter]
                stored[i, j, b] = (padded[i + 1, j + 1, b] - guess) % 256
    assert np.array_equal(png16._unfilter(np.full(6, line_filter, np.uint8), stored), pixels)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64", "complex64", "longdouble"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_keeps_every_number(tmp_path, dtype, order):
    values = np.asarray(RNG.normal(size=(3, 4, 5)) * 9, order=order).astype(dtype)
    write(tmp_path / "a.npy", values)
    again = read(tmp_path / "a.npy").values
    assert again.dtype == values.dtype
    assert np.array_equal(again, values)
    assert np.array_equal(np.load(tmp_path / "a.npy"), values)


@given(st.lists(st.floats(), min_size=1, max_size=30), st.sampled_from([",", ";", "\t", " "]))
@settings(max_examples=50, deadline=None)
def test_csv_keeps_floats_to_the_last_bit(tmp_path_factory, numbers, separator):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write(path, np.array(numbers))
    assert np.array_equal(read(path).values, numbers, equal_nan=True)
    path.write_text(separator.join(map(repr, numbers)) + "\n")
    assert np.array_equal(read(path).values, numbers, equal_nan=True)


def test_csv_reads_names_comments_and_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ufeff# made by hand\n\ntime, volts\n0, 1.5\n1, nan # gap\n2,-3e2\n", encoding="utf-8")
    table = read(path)
    assert table.form == "table"
    assert table.columns == ("time", "volts")
    assert np.array_equal(table.values, [[0, 1.5], [1, np.nan], [2, -300]], equal_nan=True)
    assert np.array_equal(table.as_signal("volts").values, [1.5, np.nan, -300], equal_nan=True)
    assert table.as_signal("0").values.tolist() == [0, 1, 2]
    with pytest.raises(ParameterError, match="time, volts"):
        table.as_signal("amps")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2\n3\n", "line 2: has 1 columns, the first row has 2"),
        ("1,2\n3,four\n", "line 2, column 2: 'four' is no number"),
        ("1,2\n3,\n", "line 2, column 2: is empty; write nan"),
        ("1,5;2\n3;4\n", "write a decimal point: 1.5"),
        ("a,b\n", "no numbers"),
        ("a,b\n1,2,3\n", "names 2 columns"),
        ("# nothing\n\n", "holds no numbers"),
        ("1_000,2\n", "'1_000' is no number"),
        ("a\0b", "is no text"),
    ],
)
def test_a_bad_table_is_refused_where_it_is_bad(tmp_path, text, words):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(FileError, match=words):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(50,), (50, 2)])
def test_a_sound_comes_back_bit_for_bit(tmp_path, dtype, shape):
    values = random_numbers(shape, dtype)
    write(tmp_path / "a.wav", values, sample_rate_hz=44100)
    again = read(tmp_path / "a.wav")
    assert again.values.dtype == values.dtype
    assert np.array_equal(again.values, values)
    assert again.sample_rate_hz == 44100


def test_silence_is_zero_in_8_bit_sound_too(tmp_path):
    from scipy.io import wavfile

    write(tmp_path / "a.wav", np.array([0, -128, 127], np.int8), sample_rate_hz=8000)
    assert wavfile.read(tmp_path / "a.wav")[1].tolist() == [128, 0, 255]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "uint32", "float16"])
def test_a_sound_of_another_dtype_keeps_every_number(tmp_path, dtype):
    values = np.array([0, 1, 1]) if dtype == "bool" else np.array([0, 7, 255])
    write(tmp_path / "a.wav", values.astype(dtype), sample_rate_hz=8000)
    assert np.array_equal(read(tmp_path / "a.wav").values, values)


def test_24_bit_sound_is_read_as_the_upper_bits_of_32(tmp_path):
    import wave

    samples = np.array([0, 1, -1, 2**23 - 1, -(2**23)], "<i4")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(8000)
        file.writeframes(samples.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    assert np.array_equal(read(tmp_path / "a.wav").values, samples * 256)


def test_a_filtered_sound_is_rounded_and_clipped_to_its_own_samples(tmp_path):
    write(tmp_path / "a.wav", np.array([1, 2, 3], np.int16), sample_rate_hz=8000)
    sound = read(tmp_path / "a.wav")
    written = write(tmp_path / "b.wav", np.array([1.5, 2.5, 40000.0]), like=sound)
    assert read(tmp_path / "b.wav").values.tolist() == [2, 2, 32767]
    assert written.notes == ("1 samples outside -32768..32767 clipped",)


def test_a_sound_needs_a_sample_rate(tmp_path):
    with pytest.raises(ParameterError, match="--rate"):
        write(tmp_path / "a.wav", np.zeros(4))


# hostile files


def samples_of_every_format(folder):
    grey, colour = random_numbers((9, 8), "uint8"), random_numbers((9, 8, 3), "uint8")
    write(folder / "grey.png", grey)
    write(folder / "deep.png", colour.astype(np.uint16) * 250)
    write(folder / "colour.jpg", colour)
    write(folder / "film.tiff", random_numbers((3, 9, 8), "uint16"))
    write(folder / "film.gif", random_numbers((3, 9, 8), "uint8"))
    write(folder / "array.npy", random_numbers((9, 8), "float32"))
    write(folder / "table.csv", random_numbers((9, 2), "float64"))
    write(folder / "sound.wav", random_numbers((40, 2), "int16"), sample_rate_hz=8000)
    import tifffile

    tifffile.imwrite(folder / "packed.tiff", grey, compression="zlib")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    return [(p.name, p.read_bytes()) for p in samples_of_every_format(tmp_path_factory.mktemp("whole"))]


def read_or_refuse(path):
    """Every outcome but a FileError is a whole array."""
    refusal = None
    try:
        content = read(path)
    except FileError as error:
        refusal = str(error)
    if refusal is not None:
        assert "\n" not in refusal
        assert str(path) in refusal
        return None
    assert content.values.size > 0
    assert content.values.dtype.kind in "biufc"
    return content


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_truncated_files_are_refused_in_one_line(whole_files, tmp_path_factory, data):
    name, whole = data.draw(st.sampled_from(whole_files))
    path = tmp_path_factory.mktemp("cut") / name
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    read_or_refuse(path)


@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_flipped_bytes_never_make_a_traceback(whole_files, tmp_path_factory, data):
    name, whole = data.draw(st.sampled_from(whole_files))
    damaged = bytearray(whole)
    # headers come first: hit them as often as all the rest
    places = st.integers(0, min(60, len(whole) - 1)) | st.integers(0, len(whole) - 1)
    for place, value in data.draw(st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=6)).items():
        damaged[place] = value
    path = tmp_path_factory.mktemp("flip") / name
    path.write_bytes(damaged)
    read_or_refuse(path)


@pytest.mark.parametrize("name", ["grey.png", "deep.png", "colour.jpg", "film.tiff", "array.npy", "sound.wav"])
def test_a_file_cut_in_half_is_refused(whole_files, tmp_path, name):
    whole = dict(whole_files)[name]
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError):
        read(tmp_path / name)


@pytest.mark.parametrize("missing", range(1, 20))
def test_a_sound_cut_at_any_sample_is_refused(whole_files, tmp_path, missing):
    (tmp_path / "sound.wav").write_bytes(dict(whole_files)["sound.wav"][:-missing])
    with pytest.raises(FileError, match="truncated WAV"):
        read(tmp_path / "sound.wav")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a.npy", "a.wav", "a.csv"])
def test_empty_files_folders_and_noise_are_refused(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(FileError, match="no such file"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(FileError, match="is empty"):
        read(path)
    path.write_bytes(bytes(RNG.integers(128, 256, 500, np.uint8)))
    with pytest.raises(FileError):
        read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(FileError, match="folder"):
        read(path)


def test_a_name_that_lies_is_refused_with_the_right_one(tmp_path):
    write(tmp_path / "a.jpg", np.zeros((4, 4), np.uint8))
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    with pytest.raises(FileError, match=r"holds JPEG: rename it to a\.jpg"):
        read(tmp_path / "a.png")


def test_pipes_and_devices_are_neither_read_nor_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(FileError, match="pipe"):
        read(tmp_path / "pipe.npy")
    with pytest.raises(FileError, match="pipe"):
        write(tmp_path / "pipe.npy", np.zeros(3))


@pytest.mark.parametrize("name", ["bomb.png", "deep.png", "bomb.gif", "bomb.jpg", "bomb.tif", "bomb.npy"])
def test_huge_declared_sizes_are_refused_before_decoding(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(huge(name))
    with pytest.raises(FileError, match=r"limit is|truncated|points beyond"):
        read(path)


def huge(name):
    import io
    import struct

    import tifffile

    from faltung.data import png16

    if name.endswith(".png"):
        bits, colours = (16, 2) if name == "deep.png" else (8, 0)
        head = struct.pack(">IIBBBBB", 60000, 60000, bits, colours, 0, 0, 0)
        return png16.SIGNATURE + png16._chunk(b"IHDR", head) + png16._chunk(b"IDAT", b"x") + png16._chunk(b"IEND", b"")
    if name == "bomb.gif":
        return (
            b"GIF89a"
            + struct.pack("<HH", 65535, 65535)
            + b"\x80\0\0"
            + bytes(6)
            + b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02L\x01\0;"
        )
    if name == "bomb.jpg":
        file = io.BytesIO()
        from PIL import Image

        Image.new("L", (8, 8)).save(file, "JPEG")
        raw = bytearray(file.getvalue())
        at = raw.index(b"\xff\xc0")
        raw[at + 5 : at + 9] = struct.pack(">HH", 60000, 60000)
        return bytes(raw)
    if name == "bomb.tif":
        file = io.BytesIO()
        tifffile.imwrite(file, np.zeros((4, 4), np.uint8), metadata=None)
        raw = bytearray(file.getvalue())
        for tag in (256, 257):
            at = (
                raw.index(struct.pack("<HHI", tag, 4, 1))
                if struct.pack("<HHI", tag, 4, 1) in raw
                else raw.index(struct.pack("<HHI", tag, 3, 1))
            )
            raw[at + 2 : at + 12] = struct.pack("<HII", 4, 1, 60000)
        return bytes(raw)
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 99999), }"
    head += b" " * (117 - len(head)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


def test_a_strip_that_inflates_beyond_its_picture_is_refused(tmp_path):
    import zlib

    import tifffile

    with tifffile.TiffWriter(tmp_path / "bomb.tif") as file:
        strip = zlib.compress(bytes(1 << 26))
        file.write(iter([strip]), shape=(16, 16), dtype=np.uint8, compression="zlib", rowsperstrip=16, metadata=None)
    with pytest.raises(FileError, match="more than the picture it declares"):
        read(tmp_path / "bomb.tif")


def test_objects_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(FileError, match="run code"):
        read(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros(2, [("a", "f4"), ("b", "i2")]))
    with pytest.raises(FileError, match="plain numbers"):
        read(tmp_path / "b.npy")


@pytest.mark.parametrize("name", ["a.npz", "a.webp", "a", "a.dat"])
def test_unknown_formats_are_named(tmp_path, name):
    first = {"a.npz": b"PK\x03\x04", "a.webp": b"RIFF\0\0\0\0WEBP"}.get(name, b"something")
    (tmp_path / name).write_bytes(first + bytes(30))
    with pytest.raises(FileError, match=r"read are \.png"):
        read(tmp_path / name)


# writing


def test_an_unknown_ending_is_refused_before_anything_is_written(tmp_path):
    for name in ("a.bmp", "a"):
        with pytest.raises(FileError, match=r"written are \.png"):
            write(tmp_path / name, np.zeros((3, 3)))
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named_with_the_cure(tmp_path):
    with pytest.raises(FileError, match="mkdir -p"):
        write(tmp_path / "new" / "a.npy", np.zeros(3))


def test_a_folder_is_not_overwritten(tmp_path):
    (tmp_path / "a.npy").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        write(tmp_path / "a.npy", np.zeros(3))


def test_no_permission_is_said_in_words(tmp_path, monkeypatch):
    # the tests may run as root, to whom everything is permitted
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FileError, match="no permission"):
        write(tmp_path / "a.npy", np.zeros(3))


def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    script = f"""
import resource, numpy as np
from faltung.data import write
from faltung.errors import FileError
path = {str(tmp_path / "a.npy")!r}
write(path, np.arange(10))
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    write(path, np.zeros(100_000))
except FileError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["a.npy"]
    assert np.array_equal(read(tmp_path / "a.npy").values, np.arange(10))


def test_a_cancelled_write_leaves_nothing(tmp_path, monkeypatch):
    def cancel(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", cancel)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a.npy", np.zeros(3))
    assert not list(tmp_path.iterdir())


def test_rewriting_keeps_permissions_and_links(tmp_path):
    write(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").chmod(0o640)
    (tmp_path / "link.npy").symlink_to("a.npy")
    write(tmp_path / "link.npy", np.ones(3))
    assert (tmp_path / "link.npy").is_symlink()
    assert read(tmp_path / "a.npy").values.tolist() == [1, 1, 1]
    assert stat.S_IMODE((tmp_path / "a.npy").stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_the_users_mask(tmp_path):
    old = os.umask(0o027)
    try:
        write(tmp_path / "a.npy", np.zeros(3))
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.npy").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.wav", "a.csv"])
def test_complex_numbers_go_into_npy_only(tmp_path, name):
    with pytest.raises(DtypeError, match=r"\.npy"):
        write(tmp_path / name, np.zeros((3, 3), complex), sample_rate_hz=1)


@pytest.mark.parametrize(
    ("name", "shape"), [("a.png", (4, 5, 5, 3)), ("a.png", (7,)), ("a.tif", (2, 2, 2, 2, 3)), ("a.csv", (2, 2, 2))]
)
def test_arrays_that_do_not_fit_the_format_are_refused(tmp_path, name, shape):
    with pytest.raises(ShapeError, match="write"):
        write(tmp_path / name, np.zeros(shape))


def test_a_missing_package_is_named_with_the_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(MissingDependency, match=r'pip install "faltung\[images\]"'):
        write(tmp_path / "a.png", np.zeros((3, 3)))
