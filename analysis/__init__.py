"""From a recording to an answer."""
