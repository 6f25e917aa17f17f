"""The hazard matrix as a file (expected) and as tables (render)."""
