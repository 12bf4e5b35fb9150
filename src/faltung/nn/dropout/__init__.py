"""The dropout family: one base, and a file for each answer to "what is dropped together".

| file | layers | dropped together |
|---|---|---|
| `elements.py` | `Dropout`, `GaussianDropout`, `AlphaDropout` | nothing: each element alone |
| `channels.py` | `Dropout1d/2d/3d`, `FeatureAlphaDropout` | a channel |
| `blocks.py` | `DropBlock1d/2d/3d` | a block of neighbours |
| `sequences.py` | `VariationalDropout` | a feature at all times |
| `weights.py` | `DropConnect` | a weight of another layer, for the whole batch |

`base.py` is the common part: which rate holds now, whether the layer is on, where its randomness comes from, how the
rest is scaled. `draws.py` draws as torch does, `philox.py` makes random words from places, `place.py` says where x is.
"""
