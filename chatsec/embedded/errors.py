"""What goes wrong with the embedded engines, in one line a person can act on."""


class EngineError(RuntimeError):
    """The embedded engines cannot be used; the message says what to do."""
