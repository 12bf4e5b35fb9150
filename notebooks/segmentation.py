"""Assignment: find the nuclei. `marimo edit notebooks/segmentation.py` opens it, `python` runs it."""

import marimo

app = marimo.App(width="medium", app_title="Find the nuclei")


@app.cell
def _():
    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np
    import torch
    from torch import nn

    import faltung as ft

    return ft, mo, nn, np, plt, torch


@app.cell
def _(mo):
    mo.md(
        """
        # Find the nuclei

        One picture of 125 nuclei, each outlined. The left half trains, the right half tests. A net gives each place a
        class; a threshold does so too, and is hard to beat where nuclei are bright on black.
        """
    )


@app.cell
def _(mo):
    chosen_epochs = mo.ui.slider(1, 30, value=6, label="epochs", show_value=True)
    chosen_channels = mo.ui.slider(4, 32, value=12, label="channels", show_value=True)
    mo.vstack([chosen_epochs, chosen_channels])
    return chosen_channels, chosen_epochs


@app.cell
def _(chosen_channels, chosen_epochs):
    # all that decides how long this takes, in one place
    epochs, channels, crops = chosen_epochs.value, chosen_channels.value, 32
    return channels, crops, epochs


@app.cell
def _(ft):
    train, test = ft.data.nuclei("train"), ft.data.nuclei("test")
    return test, train


@app.cell
def _(mo, np, plt, test, train):
    def show(columns):
        figure, axes = plt.subplots(1, len(columns), figsize=(3.2 * len(columns), 6.2), layout="constrained")
        for axis, (title, picture, outline) in zip(axes, columns, strict=True):
            axis.imshow(np.sqrt(picture), cmap="gray")
            axis.contour(outline, [0.5], colors="tab:orange", linewidths=0.7)
            axis.set_title(title, fontsize=9)
            axis.axis("off")
        plt.close(figure)
        return figure

    mo.vstack(
        [
            mo.md(f"{train.source}, {train.licence}. Brightness is drawn by its square root."),
            show([("trains", train.x[0, 0], train.y[0]), ("tests", test.x[0, 0], test.y[0])]),
        ]
    )
    return (show,)


@app.cell
def _(mo):
    mo.md(
        """
        ## A threshold first

        Otsu's threshold parts the greys into two groups that differ most. It is taken from the training half.
        """
    )


@app.cell
def _(np, test, train):
    def dice(found, truth):
        """Twice what both have, over what each has."""
        return float(2 * np.sum(found & truth) / (np.sum(found) + np.sum(truth)))

    greys = train.x.ravel()
    shares = [np.mean(greys <= level) for level in range(256)]
    means = [(greys[greys <= t].mean(), greys[greys > t].mean()) for t in range(int(greys.max()))]
    between = [share * (1 - share) * (low - high) ** 2 for share, (low, high) in zip(shares, means, strict=False)]
    threshold = int(np.argmax(between))
    truth = test.y[0] == 1
    dice_threshold = dice(test.x[0, 0] > threshold, truth)
    return dice, dice_threshold, threshold, truth


@app.cell
def _(mo):
    mo.md(
        """
        ## A net that sees further

        Dilated convolutions: the taps move apart from layer to layer, so that a small stack sees 33 pixels and gives an
        answer for every place. `inspect` says so before anything is trained.
        """
    )


@app.cell
def _(channels, nn, torch):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    for dilation in (1, 2, 4, 8):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
    net = nn.Sequential(*layers, nn.Conv2d(channels, 2, 1))
    return (net,)


@app.cell
def _(ft, net):
    # as in prediction: in training the statistics of a batch see all of it
    inspection = ft.networks.inspect(net.eval(), (1, 1, 128, 128))
    print(inspection)
    return (inspection,)


@app.cell
def _(crops, epochs, ft, net, train):
    # one picture: an epoch is many parts of it, cut out by lot and turned over
    config = ft.training.Config(
        epochs=epochs,
        batch_size=4,
        repeats=crops,
        crop=(128, 128),
        augment=("flips",),
        learning_rate=5e-3,
        validation=0.0,
    )
    run = ft.training.train(net, train, config=config)
    return config, run


@app.cell
def _(dice, dice_threshold, ft, mo, run, show, test, threshold, truth):
    chance = ft.training.predict(run, test.x)[0, 1]
    found = chance > 0.5
    dice_net = dice(found, truth)
    picture = test.x[0, 0]
    mo.vstack(
        [
            mo.md(
                f"Dice on the half that was not seen: threshold at {threshold} **{dice_threshold:.3f}**, net"
                f" **{dice_net:.3f}**."
            ),
            show([("outlined", picture, truth), ("threshold", picture, picture > threshold), ("net", picture, found)]),
        ]
    )
    return chance, dice_net, found


@app.cell
def _(mo):
    mo.md(
        """
        ## Your turn

        1. Take the dilations out. How far does the net see now, and where does it fail?
        2. Count nuclei: `scipy.ndimage.label(found)` against `test.instances`. Dice does not see that two nuclei have
           grown together; counting does.
        3. The same with `ft.data.scratch_assay()`, channel 1: cells in oblique light, where a threshold sees nothing.
           Its labels are silver: look at what they leave out before you trust a score.
        4. Your own pictures: `ft.data.examples_of("folder")` with `images/` and `masks/` in it. Places that you have
           not labelled get a value of their own, `unlabelled=`, and count for nothing.
        """
    )


if __name__ == "__main__":
    app.run()
