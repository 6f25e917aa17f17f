"""What tools/ladder is made of; it borrows child, stats' packages and builder from comparelib.

    patches    the planted bugs of fuzz/ladder, and what their headers say
    scratch    the copy of the tree in which one after the other is applied and built
    detectors  what may see one, and one look with a time limit
    ladder     all of them: without a bug first, then bug after bug
    score      medians, A12, what only one detector sees; the matrix as text
"""
