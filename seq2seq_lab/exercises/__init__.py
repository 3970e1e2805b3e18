"""What each answer must do, and whether it does: the engine judges, the catalogue holds the exercises."""

from seq2seq_lab.exercises.catalogue import exercise_named, exercises_of

__all__ = ["exercise_named", "exercises_of"]
