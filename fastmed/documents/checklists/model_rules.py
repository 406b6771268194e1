"""What a card says to items about network and training, as `data_rules` does."""

from fastmed.documents.checklists.data_rules import parts_told
from fastmed.documents.checklists.item import Card, Known, NotApplicable, Partly, Said, partly


def network(card: Card) -> Said:
    """What the network is made of."""
    told = card["network"]
    size = f"{told['parameters']:,} weights" if told["parameters"] else "number of weights not told"
    line = (
        f"{told['name']}, {size}; sees {', '.join(told['inputs'])}; gives {told['output_meaning']}"
    )
    return Known("/network", line)


def index_test(card: Card) -> Said:
    """Network, preparation and decision, so that others could do the same."""
    told = network(card)
    assert isinstance(told, Known)
    return Known(
        "/network", f"{told.line}; decides by {card['decision']['rule']}; versions are listed"
    )


def software(card: Card) -> Said:
    """Packages and their versions."""
    told = card["software"]
    if not told:
        return None
    names = ("fastmed", "torch", "fastai", "timm")
    line = ", ".join(f"{name} {told[name]}" for name in names if name in told)
    return Known("/software", f"{line}; {len(told)} in all")


def initialization(card: Card) -> Said:
    """What the weights were before the training."""
    return Known("/network/start", card["network"]["start"])


def training(card: Card) -> Said:
    """Loss, optimizer, rates, augmentation, epochs."""
    told, settings = card["training"], card["training"]["settings"]
    augmented = "with" if card["preparation"]["augmentation"] else "without"
    epochs = told["epochs"]["planned"] if card["family"] else told["epochs"]["done"]
    line = (
        f"{told['loss']}, {settings['opt']}, rate {settings['lr']:g}, batch {settings['batch']}, "
        f"{epochs} of {told['epochs']['planned']} epochs, {augmented} augmentation, "
        f"seed {told['seeds']['training']}"
    )
    begun = told["epochs"]["done"] or card["family"]
    return Known("/training", line) if begun else None


def selection(card: Card) -> Said:
    """How the final model was chosen."""
    told, chosen = card["training"]["selection"], card["training"]["epochs"]["chosen"]
    if card["family"]:
        line = f"the epoch of each run, by {told['metric']} on its validation part"
        return Known("/family/members", line)
    if chosen is None:
        return None
    line = f"epoch {chosen}, by {told['metric']} on the validation part"
    search = told["search"]
    after = f"; settings by a search of {search['trials']} trials" if search else ""
    return Known("/training/selection", line + after)


def building(card: Card) -> Said:
    """Kind of model and all steps of building it; its rationale is the user's."""
    return Partly("/training", f"{card['network']['name']}; the settings and the choice of epoch")


def development(card: Card) -> Said:
    """How the test was developed, with the sizes of all parts."""
    return Known("/data/flow/parts", f"{parts_told(card)}; the training's settings are listed")


def ensemble(card: Card) -> Said:
    """How networks were combined."""
    family = card["family"]
    if family is None:
        return NotApplicable("one network, no ensemble")
    if not family["together"]:
        return NotApplicable("the runs of this family are compared, not combined")
    return Known("/family", f"the mean of {family['finished']} networks")


def inputs(card: Card) -> Said:
    """Choice of inputs: the whole image, and metadata that the user chose."""
    if card["network"]["inputs"] == ["image"]:
        return Known("/network/inputs", "the whole image, nothing selected before")
    return Partly("/network/inputs", ", ".join(card["network"]["inputs"]))


def readers_of_inputs(card: Card) -> Said:
    """Who reads inputs off, where that takes judgement."""
    if card["network"]["inputs"] == ["image"]:
        return NotApplicable("the input is the image itself, which no one reads off")
    return Partly("/network/inputs", ", ".join(card["network"]["inputs"]))


def seen_by_model(card: Card) -> Said:
    """What the index test could know of the patient and of the reference."""
    line = f"the network sees {', '.join(card['network']['inputs'])} and nothing else"
    return Known("/network/inputs", line)


def kind(card: Card) -> Said:
    """Which kind of AI it is."""
    return Partly("/network", f"deep learning: {card['network']['name']}")


def goal(card: Card) -> Said:
    """What the model tells apart."""
    told = card["task"]
    return Partly("/task", f"{told['title']}: {', '.join(told['classes'])}")


def whole_model(card: Card) -> Said:
    """The whole model; who may have it is the user's."""
    digest = card["network"]["weights_sha256"]
    if digest is None:
        return None
    return Partly("/network", f"the run holds all of it; SHA-256 of the weights {digest[:12]}...")


inputs_known, software_known = partly(inputs), partly(software)
