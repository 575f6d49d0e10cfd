"""Everything the platform says to a citizen: texts, voices, the built clips and how numbers are spoken."""
