"""The panel as one file: trained models, what runs and draws them, and nothing that needs a network.

`model.js` computes, and what it imports; `answer.js` says what can be asked, `page.js` and what it imports
draw, `start.js` starts. `panel.py` shows the same in a notebook.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import string
from collections.abc import Iterable, Mapping

from seq2seq_lab._internals.files import whole_file
from seq2seq_lab.data import get_batch
from seq2seq_lab.model import Seq2Seq
from seq2seq_lab.settings import Rule, Settings, require
from seq2seq_lab.views.portable import portable
from seq2seq_lab.vocabulary import END

HERE = pathlib.Path(__file__).parent
MODEL = "arithmetic.js", "recurrent.js", "transformer.js", "model.js"
DRAWN = "elements.js", "colours.js", "canvas.js", "squares.js", "grid.js", "maps.js"
STATES = "axes.js", "near.js", "path.js", "states.js"
MODULES = *MODEL, "answer.js", *DRAWN, *STATES, "page.js"
TRAINING = 300  # strings of digits
IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
TITLE = "From words to digits"
MODELS = Rule("a Seq2Seq, or several by name", lambda v: bool(v) and all(isinstance(m, Seq2Seq) for m in v))


def save_page(models: Seq2Seq | Mapping[str, Seq2Seq], path: str | os.PathLike[str]) -> None:
    """Write the panel of a model, or of several by name, as one HTML file that any browser shows.

    Raises:
        ValueError: `models` holds something else, or a model that a page cannot run.
        OSError: the folder does not exist or cannot be written.
    """
    parts = {"models": portables(by_name(models)), "asked": None}
    page = string.Template(asset("page.html")).substitute(
        title=TITLE,
        style=asset("page.css"),
        script=script([*MODULES, "start.js"]),
        **{name: in_a_page(part) for name, part in parts.items()},
    )
    with whole_file(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def by_name(models: Seq2Seq | Mapping[str, Seq2Seq]) -> dict[str, Seq2Seq]:
    """The models by name; a single one has a name for itself."""
    named = dict(models) if isinstance(models, Mapping) else {"the model": models}
    require("models", list(named.values()), MODELS)
    return named


def portables(named: Mapping[str, Seq2Seq]) -> dict[str, dict]:
    """What `model.js` loads, by name: the models' numbers, and digit strings that each could be trained on.

    Raises:
        ValueError: a page cannot run one of the models.
    """
    return {
        name: {**portable(model, f"models[{name!r}]"), "training": training_strings(model.settings)}
        for name, model in named.items()
    }


def training_strings(settings: Settings) -> list[str]:
    """Some strings of digits, the same for the same settings; none is held out."""
    batch = get_batch(TRAINING, settings.min_digits, settings.max_digits, rng=0)
    return [text.rstrip(END) for text in batch.text_targets_out.tolist()]


def script(names: Iterable[str]) -> str:
    """Modules joined to one, each behind those that it imports from."""
    return "\n".join(IMPORT.sub("", asset(name)) for name in names)


def asset(name: str) -> str:
    """A file that stands beside this one."""
    return (HERE / name).read_text(encoding="utf-8")


def in_a_page(value: object) -> str:
    """JSON that ends no script, whatever a model is called."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
