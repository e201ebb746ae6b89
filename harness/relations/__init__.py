"""Pure decision procedures: per-seed values of the arms of a claim become a verdict.

Knows nothing of training, of claims or of pytest. Importing it imports NumPy, but neither SciPy nor statsmodels.
"""

from harness.relations.conjunction import All, BestOf, Increasing, NonMonotonic
from harness.relations.contrast import Contrast, MeasuredContrast
from harness.relations.convergence import ConvergesFaster
from harness.relations.decision import Decision, EffectKind, Verdict
from harness.relations.equivalence import Equivalent
from harness.relations.holm import FamilyVerdict, adjust
from harness.relations.looks import Look, Looks, SequentialDecision, decide_sequentially
from harness.relations.one_difference import Greater, NotGreater, NotWorse, Reaches
from harness.relations.ranking import RankCorrelation
from harness.relations.ranking_by_seed import RankCorrelationBySeed
from harness.relations.relation import Collapsed, Key, Relation, Samples
from harness.relations.two_level import TwoLevel, two_level

__all__ = [
    "All",
    "BestOf",
    "Collapsed",
    "Contrast",
    "ConvergesFaster",
    "Decision",
    "EffectKind",
    "Equivalent",
    "FamilyVerdict",
    "Greater",
    "Increasing",
    "Key",
    "Look",
    "Looks",
    "MeasuredContrast",
    "NonMonotonic",
    "NotGreater",
    "NotWorse",
    "RankCorrelation",
    "RankCorrelationBySeed",
    "Reaches",
    "Relation",
    "Samples",
    "SequentialDecision",
    "TwoLevel",
    "Verdict",
    "adjust",
    "decide_sequentially",
    "two_level",
]
