import numpy as np
import pytest
import tifffile
import torch
import zarr
from torch import nn

from faltung.errors import FileError, MissingDependency, ParameterError, ShapeError
from faltung.tiling import apply_file
from tiling.nets import seeded


@pytest.fixture(scope="module")
def net():
    return seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 5, padding=2), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)))


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).integers(0, 256, (130, 150, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def expected(net, pixels):
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] * (1 / 255)
    with torch.no_grad():
        return net(x)[0].numpy()


def stored(path, pixels):
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".zarr":
        zarr.create_array(str(path), shape=pixels.shape, chunks=(64, 64, 3), dtype=pixels.dtype)[:] = pixels
    else:
        tifffile.imwrite(path, pixels, photometric="rgb", tile=(64, 64), compression="zlib")


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".zarr"])
@pytest.mark.parametrize("target", [".tif", ".npy", ".zarr"])
def test_a_file_in_tiles_is_the_whole(net, pixels, expected, tmp_path, suffix, target):
    source, made = tmp_path / f"x{suffix}", tmp_path / f"y{target}"
    stored(source, pixels)
    found = apply_file(net, source, made, tile=64)
    assert found.count == 9
    result = {
        ".tif": tifffile.imread,
        ".npy": np.load,
        ".zarr": lambda path: zarr.open(str(path), mode="r")[:],
    }[target](made)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_classes_instead_of_scores(net, pixels, expected, tmp_path):
    np.save(tmp_path / "x.npy", pixels)
    apply_file(net, tmp_path / "x.npy", tmp_path / "y.tif", tile=64, after=lambda y: y.argmax(1).to(torch.uint8))
    result = tifffile.imread(tmp_path / "y.tif")
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, expected.argmax(0))


def test_what_fails_leaves_no_file(net, pixels, tmp_path):
    np.save(tmp_path / "x.npy", pixels)

    def broken(y):
        if type(y) is torch.Tensor:
            raise RuntimeError("no more")
        return y

    with pytest.raises(RuntimeError, match="no more"):
        apply_file(net, tmp_path / "x.npy", tmp_path / "y.tif", after=broken)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_wrong_files_are_told(net, pixels, tmp_path):
    np.save(tmp_path / "x.npy", pixels[..., :2])
    with pytest.raises(ShapeError, match="3 channels"):
        apply_file(net, tmp_path / "x.npy", tmp_path / "y.tif")
    with pytest.raises(FileError, match="no such file"):
        apply_file(net, tmp_path / "z.npy", tmp_path / "y.tif")
    with pytest.raises(FileError, match="are read in tiles"):
        apply_file(net, tmp_path / "x.jpg", tmp_path / "y.tif")
    np.save(tmp_path / "x.npy", pixels)
    with pytest.raises(FileError, match="are written in tiles"):
        apply_file(net, tmp_path / "x.npy", tmp_path / "y.png")
    with pytest.raises(ParameterError, match="say channels="):
        apply_file(nn.ReLU(), tmp_path / "x.npy", tmp_path / "y.tif")
    (tmp_path / "bad.tif").write_bytes(b"no picture")
    with pytest.raises(FileError, match="cannot be read"):
        apply_file(net, tmp_path / "bad.tif", tmp_path / "y.tif")


def test_tiffs_whose_numbers_mean_something_else_are_refused(net, pixels, tmp_path):
    # as a whole they are read right: 0 as white, places of a table as its colours
    grey = pixels[..., 0]
    tifffile.imwrite(tmp_path / "negative.tif", grey, photometric="miniswhite")
    table = np.random.default_rng(2).integers(0, 65536, (3, 256), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "table.tif", grey, photometric="palette", colormap=table)
    first = nn.Conv2d(1, 1, 3, padding=1)
    for name, part in (("negative", "0 means white"), ("table", "a table of colours")):
        with pytest.raises(FileError, match=part):
            apply_file(first, tmp_path / f"{name}.tif", tmp_path / "y.tif")
    # of floats nothing is white
    floats = grey.astype(np.float32) / 255
    tifffile.imwrite(tmp_path / "floats.tif", floats, photometric="miniswhite")
    apply_file(nn.Conv2d(1, 1, 1), tmp_path / "floats.tif", tmp_path / "y.tif")
    assert tifffile.imread(tmp_path / "y.tif").shape == grey.shape


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg"])
def test_a_compression_that_needs_another_package_is_told_before_the_work(compression, pixels, tmp_path, monkeypatch):
    from PIL import Image

    Image.fromarray(pixels[..., 0]).save(tmp_path / "x.tif", compression=compression)
    codecs = {code: tifffile.TIFF.DECOMPRESSORS[code] for code in (1, 8, 32773) if code in tifffile.TIFF.DECOMPRESSORS}
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", codecs, raising=False)
    with pytest.raises(MissingDependency, match=r"x\.tif: has (LZW|JPEG) compression.*imagecodecs"):
        apply_file(nn.Conv2d(1, 1, 3), tmp_path / "x.tif", tmp_path / "y.tif")
