import numpy as np
import pytest

from faltung import data
from faltung.errors import FileError, ParameterError
from faltung.experiments.pictures import load_photo
from faltung.experiments.registry import EXPERIMENTS
from faltung.experiments.tour import write_tour


@pytest.mark.parametrize("name", ["camera", "coffee", "cell"])
def test_a_photograph_is_numbers_from_black_to_white(name):
    photo = load_photo(name)
    assert photo.dtype == np.float32
    assert max(photo.shape[:2]) <= 640
    assert 0 <= photo.min() < photo.max() <= 1


def test_a_large_picture_is_shrunk_by_means_of_blocks(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    path = tmp_path / "own.png"
    data.write(path, picture)
    shrunk = load_photo(str(path), 40)
    expected = picture.reshape(30, 3, 40, 3, 3).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(shrunk, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0), (np.float32, 250.0)]
)
def test_white_is_one_whatever_the_dtype(tmp_path, dtype, white):
    picture = np.zeros((40, 50), dtype)
    picture[5, 5] = white
    path = tmp_path / "own.tif"
    data.write(path, picture)
    assert load_photo(str(path)).max() == pytest.approx(1, abs=1e-6)


def test_a_picture_too_small_or_not_finite_is_told(tmp_path):
    data.write(tmp_path / "small.png", np.zeros((31, 100), np.uint8))
    with pytest.raises(ParameterError, match="at least 32 x 32"):
        load_photo(str(tmp_path / "small.png"))
    data.write(tmp_path / "nan.npy", np.full((40, 40), np.nan))
    with pytest.raises(ParameterError, match="NaN"):
        load_photo(str(tmp_path / "nan.npy"))
    with pytest.raises(FileError):
        load_photo(str(tmp_path / "missing.png"))


@pytest.mark.parametrize("shape", [(64, 48), (33, 120, 3)])
def test_the_tour_takes_a_picture_of_ones_own(tmp_path, shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = np.broadcast_to((100 + 80 * np.sin(x / 5) * np.cos(y / 7))[..., None], (*shape[:2], 3)).astype(np.uint8)
    path = tmp_path / "own <picture>.png"
    data.write(path, picture if len(shape) == 3 else picture[..., 0])
    for experiment in EXPERIMENTS:
        if "photo" in experiment.parameters.__dataclass_fields__:
            text = write_tour(tmp_path / "out", picture=path, only=experiment.slug).read_text(encoding="utf-8")
            assert "✗ missed" not in text
            assert "own &lt;picture&gt;.png" in text


@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_of_one_colour_is_no_mishap(tmp_path, value):
    path = tmp_path / "flat.png"
    data.write(path, np.full((40, 60), value, np.uint8))
    for slug in ("noisy-edges", "sobel", "photo-edges"):
        assert "✗ missed" not in write_tour(tmp_path / "out", picture=path, only=slug).read_text(encoding="utf-8")


def test_a_picture_that_cannot_be_read_leaves_no_report(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(FileError):
        write_tour(tmp_path / "out", picture=tmp_path / "broken.png", only="sobel")
    assert not (tmp_path / "out" / "index.html").exists()
