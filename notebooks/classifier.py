"""Assignment: train a classifier. `marimo edit notebooks/classifier.py` opens it, `python` runs it."""

import marimo

app = marimo.App(width="medium", app_title="Train a classifier")


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
        # Train a classifier

        Ten kinds of small grey pictures, and a net that you build yourself. Change a cell and everything that depends
        on it is computed anew. At the end there are four tasks, each with a number to beat.
        """
    )


@app.cell
def _(mo):
    chosen_set = mo.ui.dropdown(["fashion_mnist", "digits", "small_digits"], value="fashion_mnist", label="set")
    chosen_count = mo.ui.slider(500, 8000, step=500, value=6000, label="examples to train with", show_value=True)
    chosen_epochs = mo.ui.slider(1, 20, value=8, label="epochs", show_value=True)
    mo.vstack([chosen_set, chosen_count, chosen_epochs])
    return chosen_count, chosen_epochs, chosen_set


@app.cell
def _(chosen_count, chosen_epochs, chosen_set):
    # all that decides how long this takes, in one place
    set_name, num_examples, epochs = chosen_set.value, chosen_count.value, chosen_epochs.value
    return epochs, num_examples, set_name


@app.cell
def _(ft, num_examples, set_name):
    whole = getattr(ft.data, set_name)("train")
    test = getattr(ft.data, set_name)("test")
    # by lot and class by class; the validation says which epoch is kept, the test is looked at once, at the end
    train, rest = whole.split(min(num_examples / len(whole), 0.8), seed=0)
    validation = rest if len(rest) <= 1000 else rest.split(1000 / len(rest), seed=0)[0]
    return test, train, validation


@app.cell
def _(mo, plt, train):
    def show(pictures, titles, columns=10):
        rows = -(-len(pictures) // columns)
        figure, axes = plt.subplots(rows, columns, figsize=(columns, 1.3 * rows), squeeze=False, layout="constrained")
        for axis in axes.flat:
            axis.axis("off")
        for axis, picture, title in zip(axes.flat, pictures, titles, strict=False):
            axis.imshow(picture[0], cmap="gray_r")
            axis.set_title(title, fontsize=7)
        plt.close(figure)
        return figure

    first = [int((train.y == label).argmax()) for label in range(len(train.classes))]
    mo.vstack(
        [
            mo.md(f"**{train.name}**: {train.x.shape}. {train.licence}; {train.source}."),
            show(train.x[first], train.classes),
        ]
    )
    return (show,)


@app.cell
def _(mo):
    mo.md(
        """
        ## The net

        Convolutions find the same thing at every place, pooling makes the picture smaller, the last layer weighs what
        was found. `inspect` says what each layer gives and sees, without running it.
        """
    )


@app.cell
def _(nn, torch, train):
    def make_net(channels=16):
        # the same start each time
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(train.x.shape[1], channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(8 * channels, len(train.classes)),
        )

    net = make_net()
    return make_net, net


@app.cell
def _(ft, net, train):
    # as in prediction: in training the statistics of a batch see all of it
    inspection = ft.networks.inspect(net.eval(), (1, *train.x.shape[1:]))
    print(inspection)
    return (inspection,)


@app.cell
def _(epochs, ft, net, train, validation):
    config = ft.training.Config(epochs=epochs, batch_size=64, learning_rate=1e-2)
    run = ft.training.train(net, train, config=config, validation=validation)
    return config, run


@app.cell
def _(mo, run):
    mo.ui.table(
        [
            {"epoch": e.number, "loss": round(e.loss, 4), **{k: round(v, 4) for k, v in e.scores.items()}}
            for e in run.history
        ],
        selection=None,
    )


@app.cell
def _(ft, mo, run, test):
    scores = ft.training.evaluate(run, test)
    mo.vstack(
        [
            mo.md(f"**{scores.accuracy:.2%}** of {len(test):,} test pictures are right; guessing gets 10 %."),
            mo.ui.table(
                [
                    {"class": name, "found": f"{recall:.1%}", "right when said": f"{precision:.1%}"}
                    for name, recall, precision in zip(scores.classes, scores.recall, scores.precision, strict=True)
                ],
                selection=None,
            ),
        ]
    )
    return (scores,)


@app.cell
def _(ft, mo, np, run, show, test):
    chances = ft.training.predict(run, test.x)
    said = chances.argmax(axis=1)
    # the mistakes that it was surest of
    wrong = np.flatnonzero(said != test.y)
    worst = wrong[np.argsort(-chances[wrong].max(axis=1))][:20]
    titles = [f"{test.classes[test.y[i]]}\nnot {test.classes[said[i]]}" for i in worst]
    mo.vstack([mo.md("Mistakes that it was surest of: what it is, and what it said."), show(test.x[worst], titles)])
    return (worst,)


@app.cell
def _(mo):
    mo.md(
        """
        ## Your turn

        1. Take the pooling out, or every second channel. What does it cost in accuracy, what does `inspect` say of the
           field that the last convolution sees?
        2. Set `augment=("flip", "shift")` in the config. Does it help with 500 examples? With 8,000? Which of the two
           would be wrong for `digits`?
        3. Take `nn.Dropout` out, or set it to 0.5. Compare loss and validation over 20 epochs.
        4. Fewer than 100,000 parameters and 92.5 % on all of Fashion-MNIST is what the set's own page reports for two
           convolutions. It is within reach here, in minutes.

        Your own pictures: `ft.data.examples_of("folder", size=(28, 28), colours="grey")`, one folder for each class.
        """
    )


if __name__ == "__main__":
    app.run()
