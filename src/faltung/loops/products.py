"""The product of two spectra, and its size."""

from ..jit.emitter import OF_DTYPE, Emitter, i64, ptr


def multiply_spectra(*, dtype, vector_bytes, checked=False):
    """Write the loop: spectrum *= factor, both complex numbers as pairs of floats, rows x columns of them.

    totals[0] = sum of |real| + |imaginary part| of the products; totals[1] = that of the first and last column alone.
    """
    item = OF_DTYPE[dtype]
    lanes = vector_bytes // item.num_bytes
    e = Emitter(
        "multiply_spectra", checked=checked, spectrum=ptr(item), factor=ptr(item), totals=ptr(item), num_rows=i64,
        num_columns=i64,
    )  # fmt: skip
    pairs = range(0, lanes, 2)
    real_twice = [i for j in pairs for i in (j, j)]
    imaginary_twice = [i for j in pairs for i in (j + 1, j + 1)]
    swapped = [i for j in pairs for i in (j + 1, j)]
    signs = e.constants([-1.0, 1.0] * (lanes // 2), item)
    count = e.num_rows * e.num_columns * 2
    whole = count // lanes * lanes
    total = e.cell(e.zeros(item, lanes))
    with e.range(0, whole, lanes) as i:
        a, b = e.spectrum.vec(i, lanes), e.factor.vec(i, lanes)
        # (a + ia')(b + ib') = (ab - a'b') + i (ab' + a'b)
        crossed = e.shuffle(a, imaginary_twice) * signs
        product = e.multiply_add(e.shuffle(a, real_twice), b, crossed * e.shuffle(b, swapped))
        e.spectrum[i] = product
        total.value = total.value + e.absolute(product)
    rest = e.cell(0.0, item)
    with e.range(whole, count, 2) as i:
        a, ai, b, bi = e.spectrum[i], e.spectrum[i + 1], e.factor[i], e.factor[i + 1]
        real, imaginary = e.multiply_add(a, b, ai * -1.0 * bi), e.multiply_add(a, bi, ai * b)
        e.spectrum[i], e.spectrum[i + 1] = real, imaginary
        rest.value = rest.value + (e.absolute(real) + e.absolute(imaginary))
    e.totals[0] = rest.value + e.sum_of(total.value)
    ends = e.cell(0.0, item)
    with e.range(e.num_rows) as r:
        first = e.spectrum + r * e.num_columns * 2
        last = first + (e.num_columns - 1) * 2
        at_ends = [e.absolute(place[i]) for place in (first, last) for i in range(2)]
        ends.value = ends.value + (at_ends[0] + at_ends[1] + (at_ends[2] + at_ends[3]))
    e.totals[1] = ends.value
    return e
