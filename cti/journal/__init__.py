"""Asterisk's own journal, read into facts: records (lines), their meaning (translate), the file (follow)."""

from cti.journal.follow import Follower
from cti.journal.lines import JournalError, cut
from cti.journal.translate import translate

__all__ = ["Follower", "JournalError", "cut", "translate"]
