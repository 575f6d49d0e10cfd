"""Cases, and what links them to calls, recordings and transcripts."""

from caselink.callbacks import take_up
from caselink.opening import Opening
from caselink.tables import CaseEventRow, CaseRow

__all__ = ["CaseEventRow", "CaseRow", "Opening", "take_up"]
