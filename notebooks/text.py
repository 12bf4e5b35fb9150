"""Assignment: foretell a text. `marimo edit notebooks/text.py` opens it, `python` runs it."""

import marimo

app = marimo.App(width="medium", app_title="Foretell a text")


@app.cell
def _():
    import html
    import time

    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np
    import torch

    import faltung as ft

    return ft, html, mo, np, plt, time, torch


@app.cell
def _(mo):
    mo.md(
        """
        # Foretell a text

        A net reads a text character by character and says, at each, how likely every character is to come next. It is
        made of causal convolutions, so it never looks ahead, and of gates. You see what it sees, choose its gates, let
        it write, and ask it which characters of a sentence it did not expect. At the end there are four tasks.
        """
    )


@app.cell
def _(mo):
    chosen_file = mo.ui.text("", label="a text file of yours, or nothing: Shakespeare's plays", full_width=True)
    chosen_characters = mo.ui.slider(
        50_000, 1_000_000, step=50_000, value=200_000, label="characters to learn from", show_value=True
    )
    chosen_passes = mo.ui.slider(1, 20, value=3, label="passes", show_value=True)
    chosen_channels = mo.ui.slider(16, 192, step=8, value=48, label="channels", show_value=True)
    mo.vstack([chosen_file, chosen_characters, chosen_passes, chosen_channels])
    return chosen_channels, chosen_characters, chosen_file, chosen_passes


@app.cell
def _(chosen_channels, chosen_characters, chosen_file, chosen_passes):
    # all that decides how long this takes, in one place
    file, num_characters = chosen_file.value, chosen_characters.value
    passes, channels = chosen_passes.value, chosen_channels.value
    return channels, file, num_characters, passes


@app.cell
def _(file, ft, mo, num_characters):
    whole = ft.text.read_text(file) if file else ft.data.shakespeare("train")
    # what follows is held out; of a short file a tenth
    cut = min(num_characters, len(whole) * 9 // 10)
    learned, held_out = whole[:cut], whole[cut:][:20_000]
    vocabulary = ft.text.Vocabulary.of(learned)
    mo.md(
        f"{len(learned):,} characters to learn from, {len(held_out):,} behind them to score with, {len(vocabulary)} "
        f"different ones: `{''.join(vocabulary.symbols)!r}`"
    )
    return held_out, learned, vocabulary


@app.cell
def _(mo):
    mo.md(
        """
        ## What a causal convolution sees

        Change one character and look which scores change. Those before it must not: there the net would know what it
        is to foretell. Those far behind it do not either: no layer reaches so far. Below are three blocks with kernels
        of four taps, once side by side and once 1, 2 and 4 characters apart. Both have the same number of weights.
        """
    )


@app.cell
def _(mo):
    changed = mo.ui.slider(0, 47, value=12, label="place of the character that is changed", show_value=True)
    changed
    return (changed,)


@app.cell
def _(changed, ft, learned, np, plt, torch, vocabulary):
    line = learned[-48:]
    tokens = torch.from_numpy(vocabulary.encode(line).tokens)
    other = tokens.clone()
    other[changed.value] = (other[changed.value] + 1) % len(vocabulary)

    def effect(net):
        """How much the scores (V, L) of each place change: the largest difference."""
        with torch.no_grad():
            return (net(other[None]) - net(tokens[None]))[0].abs().amax(0).numpy()

    stacks = [
        ft.text.new_net(vocabulary, channels=32, kernel_size=4, dilations=dilations).eval()
        for dilations in ((1, 1, 1), (1, 2, 4))
    ]
    effects = [effect(net) for net in stacks]

    figure, axes = plt.subplots(2, 1, figsize=(9, 3.6), layout="constrained", sharex=True)
    for axis, net, difference in zip(axes, stacks, effects, strict=True):
        axis.bar(np.arange(len(line)), difference, color="tab:blue")
        axis.axvline(changed.value, color="tab:orange", linewidth=1)
        axis.set_title(f"dilations {net.options['dilations']}: {net.num_seen} characters seen", fontsize=9)
        axis.set_ylabel("change of a score", fontsize=8)
    axes[1].set_xticks(np.arange(len(line)), [{"\n": "⏎", " ": "␣"}.get(c, c) for c in line], family="monospace")
    plt.close(figure)
    figure
    return effects, stacks


@app.cell
def _(ft, mo, stacks):
    # the same from the network itself: its layers are followed, nothing is changed and compared
    fields = [ft.networks.receptive_field(net.blocks, (1, 32, 60))[0] for net in stacks]
    mo.md(
        "The calculator of receptive fields says the same of any stack: "
        + ", ".join(
            f"{field.length} for dilations {net.options['dilations']}"
            for field, net in zip(fields, stacks, strict=True)
        )
        + ". By hand: 1 + (taps - 1) times the sum of the dilations."
    )
    return (fields,)


@app.cell
def _(mo):
    mo.md(
        """
        ## Which gate?

        A block computes two convolutions A and B, and lets A through as far as B says.

        | gate | what comes out |
        |---|---|
        | glu | A · σ(B) |
        | gtu | tanh(A) · σ(B) |
        | relu | max(A, 0), no B |
        | tanh | tanh(A), no B |

        Without B a block has half the weights, which would be unfair: nets without gates get more channels, until they
        have as many parameters. All see the same examples in the same order. The loss is in nats a character: minus the
        logarithm of the probability that the net gave to what came.
        """
    )


@app.cell
def _(channels, ft, vocabulary):
    def make_net(gate, channels):
        return ft.text.new_net(vocabulary, channels=channels, kernel_size=4, dilations=(1, 2, 4), gate=gate, seed=0)

    def num_parameters(net):
        return sum(weights.numel() for weights in net.parameters())

    def width_of(gate):
        """Channels with which a gate has as many parameters as glu has with the chosen ones."""
        size = num_parameters(make_net("glu", channels))
        return min(range(channels, 2 * channels), key=lambda width: abs(num_parameters(make_net(gate, width)) - size))

    nets = {gate: make_net(gate, width_of(gate)) for gate in ("glu", "gtu", "relu", "tanh")}
    sizes = {gate: num_parameters(net) for gate, net in nets.items()}
    return nets, sizes


@app.cell
def _(ft, held_out, learned, mo, nets, passes, vocabulary):
    config = ft.training.Config(batch_size=32, learning_rate=1e-2, warm_up=0.1, clip=1.0)
    done = {}
    for gate, untrained in mo.status.progress_bar(list(nets.items()), title="training"):
        done[gate] = ft.text.train_text(
            learned,
            validation=held_out,
            vocabulary=vocabulary,
            net=untrained,
            config=config,
            window=64,
            passes=passes,
        )
    return config, done


@app.cell
def _(done, held_out, learned, mo, nets, np, plt, sizes, vocabulary):
    # what a character costs whoever knows only how often each one comes
    _counts = np.bincount(vocabulary.encode(learned).tokens)
    counting = float(-np.log(_counts / _counts.sum())[vocabulary.encode(held_out, unknown="skip").tokens].mean())
    scores = {gate: trained.model.score(held_out, unknown="skip") for gate, trained in done.items()}

    _figure, _axis = plt.subplots(figsize=(6, 3), layout="constrained")
    for _gate, _trained in done.items():
        _epochs = np.arange(1, len(_trained.run.history) + 1)
        _axis.plot(_epochs, [epoch.scores["nats"] for epoch in _trained.run.history], marker="o", label=_gate)
    _axis.set(xlabel="pass", ylabel="nats a character, held out", xticks=_epochs)
    _axis.legend()
    plt.close(_figure)
    _rows = [
        {
            "gate": gate,
            "nats": round(score.nats_per_token, 4),
            "bits": round(score.bits_per_character, 4),
            "channels": nets[gate].channels,
            "parameters": sizes[gate],
        }
        for gate, score in scores.items()
    ]
    mo.vstack(
        [
            _figure,
            mo.ui.table(_rows, selection=None),
            mo.md(
                f"Counting how often each character comes, and no more, costs {counting:.2f} nats. Nets this small and "
                "this briefly trained differ by little, and with another seed by something else: read the first task."
            ),
        ]
    )
    return counting, scores


@app.cell
def _(mo):
    mo.md(
        """
        ## What is a look back worth?

        The trained net (glu) at the same places of the text held out, with only the last n characters before each.
        Where the line is level, the net can use no more, or reaches no further.
        """
    )


@app.cell
def _(done, ft, held_out, np, plt, torch, vocabulary):
    model = done["glu"].model
    _tokens = torch.from_numpy(vocabulary.encode(held_out, unknown="skip").tokens)
    _places = torch.linspace(40, len(_tokens) - 2, 2000).long()
    lengths = [1, 2, 3, 4, 6, 9, 13, 17, model.net.num_seen, model.net.num_seen + 10]
    context = []
    for _length in lengths:
        _seen = _tokens[_places[:, None] + torch.arange(1 - _length, 1)]
        with torch.no_grad():
            _p = model.net(_seen)[..., -1].log_softmax(1)
        context.append(-float(_p.gather(1, _tokens[_places + 1, None]).mean()))
    # with all that stands before them
    context_all = float(np.mean(ft.text.token_nats(model.net, _tokens)[_places.numpy()]))

    _figure, _axis = plt.subplots(figsize=(6, 3), layout="constrained")
    _axis.plot(lengths, context, marker="s")
    _axis.axvline(model.net.num_seen, color="grey", linestyle="--", linewidth=1)
    _axis.text(model.net.num_seen - 0.4, max(context), "all that it can see", ha="right", va="top", fontsize=8)
    _axis.set(xlabel="characters seen", ylabel="nats a character")
    plt.close(_figure)
    _figure
    return context, context_all, lengths, model


@app.cell
def _(mo):
    mo.md(
        """
        ## It writes

        Each character is drawn by lot, from the probabilities that the net gives, and read as the next one. The scores
        are divided by the temperature first: at 0 the likeliest is taken, below 1 the likely gets likelier, above 1
        the lots get wild.
        """
    )


@app.cell
def _(mo):
    prompt = mo.ui.text("The ", label="begin with")
    seed = mo.ui.slider(0, 99, value=0, label="seed", show_value=True)
    mo.hstack([prompt, seed], justify="start")
    return prompt, seed


@app.cell
def _(html, mo, model, prompt, seed):
    # a prompt needs one symbol that the net knows
    _known = "".join(symbol for symbol in prompt.value if symbol in model.vocabulary.symbols) or " "
    samples = {
        temperature: model.sample(_known, length=240, temperature=temperature, seed=seed.value)
        for temperature in (0.0, 0.5, 1.0, 1.5)
    }
    mo.vstack(
        [
            mo.md(
                f"**temperature {temperature}**"
                + f'<pre style="white-space:pre-wrap"><b>{html.escape(_known)}</b>{html.escape(sample)}</pre>'
            )
            for temperature, sample in samples.items()
        ]
    )
    return (samples,)


@app.cell
def _(mo):
    mo.md(
        """
        ## One by one, or all at once

        Learning takes all places of a text in one pass. Writing gives one character at a time, and each layer remembers
        the few samples that it will need again. Both must say the same, or the net that writes is not the one that was
        trained.
        """
    )


@app.cell
def _(held_out, mo, model, time, torch, vocabulary):
    _tokens = torch.from_numpy(vocabulary.encode(held_out[:300], unknown="skip").tokens)
    with torch.no_grad():
        _all = model.net(_tokens[None])
        _stream = model.net.stream()
        _begun = time.perf_counter()
        _steps = torch.stack([_stream.step(token) for token in _tokens[:, None]], -1)
        _step_s = (time.perf_counter() - _begun) / len(_tokens)
        # whoever remembers nothing computes all that is seen anew for each character
        _begun = time.perf_counter()
        for _end in range(model.net.num_seen, len(_tokens)):
            model.net(_tokens[None, _end - model.net.num_seen : _end])
        _anew_s = (time.perf_counter() - _begun) / (len(_tokens) - model.net.num_seen)
    step_error = float((_steps - _all).abs().max())
    mo.md(
        f"Largest difference of a score over {len(_tokens)} places: **{step_error:.1e}**, of scores up to "
        f"{float(_all.abs().max()):.0f}. A step takes {1e3 * _step_s:.2f} ms, all that is seen anew "
        f"{1e3 * _anew_s:.2f} ms."
    )
    return (step_error,)


@app.cell
def _(mo):
    mo.md(
        """
        ## What surprised it

        Each character costs minus the logarithm of its probability, given all before it; the first is given. What costs
        much is dark. The sum is what an ideal compressor with this net would need.
        """
    )


@app.cell
def _(mo):
    sentence = mo.ui.text("The king is dead, and the queen has bought a zeppelin.", label="a sentence", full_width=True)
    sentence
    return (sentence,)


@app.cell
def _(ft, html, mo, model, np, sentence, torch):
    read = "".join(symbol for symbol in sentence.value if symbol in model.vocabulary.symbols)
    mo.stop(len(read) < 2, mo.md("Two characters are needed that the net knows: the first is not scored."))
    _tokens = torch.from_numpy(model.vocabulary.encode(read).tokens)
    costs = model.score(read).costs[1:]
    with torch.no_grad():
        _expected = ft.text.probabilities(model.net(_tokens[None])[0].T).numpy()

    def _shown(symbol, nats):
        # white on black where the paper gets dark
        shade = min(nats / 8, 1)
        ink = "white" if shade > 0.75 else "black"
        paper = f"rgba(150, 40, 20, {shade:.2f})"
        return (
            f'<span title="{nats:.2f} nats" style="background:{paper}; color:{ink}; padding:0.15em 0.05em">'
            f"{html.escape(symbol)}</span>"
        )

    _letters = "".join(_shown(symbol, nats) for symbol, nats in zip(read, [0.0, *costs], strict=True))
    _rows = []
    for _place in np.argsort(-costs)[:8]:
        _best = np.argsort(-_expected[_place])[:3]
        _rows.append(
            {
                "after": read[max(0, _place - 9) : _place + 1],
                "came": repr(read[_place + 1]),
                "nats": round(float(costs[_place]), 2),
                "expected": ", ".join(
                    f"{model.vocabulary.symbols[i]!r} {_expected[_place, i]:.0%}" for i in _best.tolist()
                ),
            }
        )
    surprises = _rows
    _unknown = len(sentence.value) - len(read)
    mo.vstack(
        [
            mo.Html(
                f'<pre style="font-size:1.2em; background:white; padding:0.5em; white-space:pre-wrap">{_letters}</pre>'
            ),
            mo.md(
                f"{costs.sum():.1f} nats, {costs.mean():.2f} a character"
                + (f"; {_unknown} characters that the net does not know are left out" if _unknown else "")
            ),
            mo.ui.table(surprises, selection=None),
        ]
    )
    return costs, read, surprises


@app.cell
def _(mo):
    mo.md(
        """
        ## Your turn

        1. Which gate is best, and is that more than chance? Train each with three seeds (of `new_net` and of the
           config), and set the differences against the spread. Dauphin et al. (2017) found glu, then gtu, then relu,
           then tanh, with far larger nets.
        2. Take dilations (1, 2, 4, 8), then (1, 1, 1, 1), with as many channels. How far does each see, what does the
           curve of what a look back is worth say, and where does the gain end?
        3. Build a small net of `torch.nn.Conv1d(..., padding="same")` in place of `ft.nn.CausalConv1d`, and train it to
           foretell. The loss falls near 0, and what it writes is nonsense. Draw the first picture for it: why?
        4. Below 1.75 nats on `ft.data.shakespeare("valid")` is within reach of two minutes:
           `faltung text train shakespeare --minutes 2 -o plays.safetensors`, then `faltung text sample` and
           `faltung text score`. A text of yours: which lines cost most, and are they the best ones?
        """
    )


if __name__ == "__main__":
    app.run()
