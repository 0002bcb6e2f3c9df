"""Training of the linear models.

Needs scikit-learn: import it in tasks and commands only, never where a question is
answered.
"""
