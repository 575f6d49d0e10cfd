"""The ledger: facts from the stream into SQL, exactly once, and the rows of calls and legs they come to."""

from cti.ledger.consume import DEAD, GROUP, AfterCommit, Ledger, Projector
from cti.ledger.store import Known, facts_of

__all__ = ["DEAD", "GROUP", "AfterCommit", "Known", "Ledger", "Projector", "facts_of"]
