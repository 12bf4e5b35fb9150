"""How many bytes of tensors a recorded run holds at once."""

from .recording import Recording


def peak_bytes(recording: Recording, *, keeps_input: bool) -> int:
    """Bytes held at once, at most: results live from their step to their last reader, views keep what they look at.

    Args:
        recording: of a run on whole numbers.
        keeps_input: the caller holds the input to the end; else it goes after its last reader.
    """
    end = len(recording.steps)
    owner = {0: 0}
    held = {0: int(recording.input_bytes)}
    for step in recording.steps:
        if step.num_bytes or not step.inputs:
            owner[step.output], held[step.output] = step.output, int(step.num_bytes)
        else:
            owner[step.output] = owner[step.inputs[0]]
    last: dict[int, int] = {}
    for place, step in enumerate(recording.steps):
        for number in (*step.inputs, step.output):
            last[owner[number]] = place
    # what is returned stays
    last |= {owner[number]: end for number in (*((0,) if keeps_input else ()), *recording.outputs)}
    leaving: dict[int, list[int]] = {}
    for number, place in last.items():
        leaving.setdefault(place, []).append(number)
    now = most = held[0]
    for place, step in enumerate(recording.steps):
        now += held[step.output] if owner[step.output] == step.output else 0
        most = max(most, now)
        now -= sum(held[number] for number in leaving.get(place, ()))
    return most
