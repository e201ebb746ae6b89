"""What is done next, and where: processes share a store and need no other word from each other."""

from harness.scheduling.cost import Pace, estimate_seconds
from harness.scheduling.scheduler import Demand, Scheduler, describe

__all__ = ["Demand", "Pace", "Scheduler", "describe", "estimate_seconds"]
