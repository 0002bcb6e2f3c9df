"""Long settings, each subject in a module of its own; `chatsec.settings` names them.

Plain values and functions of what the environment said: nothing here reads it.
"""
