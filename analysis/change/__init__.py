"""Extension plateaus -> before and after, with an interval and a verdict."""
