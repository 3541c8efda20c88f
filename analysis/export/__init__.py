"""Sessions -> files of other programs: a BIDS dataset, OpenSim, Parquet.

Each format is one file with one function that turns a session into the content of files; `sessions` gathers
the sessions, refuses to write over what is not this program's, and writes.
"""

from analysis.export.sessions import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
