"""Two oriented sensors -> the knee between them: axes, levers, direction of bending, and heading."""
