"""Pure decision procedures: per-seed values of the arms of a claim become a verdict.

Knows nothing of training, of claims or of pytest. Importing it imports NumPy, but neither SciPy nor statsmodels.
"""

from harness.relations.comparison import Greater, NotGreater, NotWorse, Reaches
from harness.relations.conjunction import All, BestOf, Increasing, NonMonotonic
from harness.relations.convergence import ConvergesFaster
from harness.relations.equivalence import Equivalent
from harness.relations.family import FamilyVerdict, adjust
from harness.relations.looks import Look, Looks, SequentialDecision, decide_sequentially
from harness.relations.ranking import RankCorrelation
from harness.relations.relation import Relation, Samples
from harness.relations.two_level import TwoLevel, pooled, two_level
from harness.relations.verdicts import Decision, EffectKind, Verdict

__all__ = [
    "All",
    "BestOf",
    "ConvergesFaster",
    "Decision",
    "EffectKind",
    "Equivalent",
    "FamilyVerdict",
    "Greater",
    "Increasing",
    "Look",
    "Looks",
    "NonMonotonic",
    "NotGreater",
    "NotWorse",
    "RankCorrelation",
    "Reaches",
    "Relation",
    "Samples",
    "SequentialDecision",
    "TwoLevel",
    "Verdict",
    "adjust",
    "decide_sequentially",
    "pooled",
    "two_level",
]
