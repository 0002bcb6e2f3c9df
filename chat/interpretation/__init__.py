"""Understanding a question: typed slots, then a trained linear classifier.

The result is a proposal. What it allows nobody reads here: the pipeline authorizes
every query on its own, so that a wrong reading gives a wrong answer at worst.
"""

from chat.interpretation.engine import interpret, shipped_model
from chat.interpretation.model import LinearModel as IntentModel
from chat.interpretation.replies import find_slot
from chat.interpretation.result import Band, Candidate, Interpretation, SlotValue
from chat.interpretation.storage import ModelRejected, load_model, save_model
from chat.interpretation.text import looks_like_code
from chat.interpretation.vocabulary import DEFAULT_VOCABULARY, Vocabulary

__all__ = [
    "DEFAULT_VOCABULARY",
    "Band",
    "Candidate",
    "IntentModel",
    "Interpretation",
    "ModelRejected",
    "SlotValue",
    "Vocabulary",
    "find_slot",
    "interpret",
    "load_model",
    "looks_like_code",
    "save_model",
    "shipped_model",
]
