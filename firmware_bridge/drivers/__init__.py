"""One file per sensor: packet bytes <-> samples. No I/O, no bleak."""
