"""The ledger on disk: every path under the output folder, what is committed there, and how far a run is."""
