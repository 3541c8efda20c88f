"""A running session: samples and events in, frames for the views out; takes the commands of the user."""
