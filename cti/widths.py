"""How many characters of a text the SQL tables keep; pure code that makes rows cuts to the same widths."""

FACT_ID = 200
KIND = 40
CALL_ID = 64
NODE = 20
NUMBER = 80
NAME = 80
FOLDER = 200
