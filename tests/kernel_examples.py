"""A word for every kernel by formula."""

EXAMPLES = {
    "delta": "delta:5",
    "tophat": "tophat:9,2,5",
    "box": "box:5",
    "triangle": "triangle:5",
    "binomial": "binomial:5",
    "hann": "hann:50",
    "gaussian": "gaussian:2",
    "gaussian_derivative": "gaussian-derivative-x:2",
    "sobel": "sobel-y",
    "scharr": "scharr-x",
    "scharr_complex": "scharr-complex",
    "prewitt": "prewitt-x",
    "laplacian": "laplacian",
    "log": "log:1.5",
    "sharpen": "sharpen:0.5",
    "gabor": "gabor:8,0.5",
    "disk": "disk:3.5",
    "motion": "motion:9,0.3",
}
