"""A class of hand-ins, marked: what was asked and handed in, the sandbox, marks, the schedule, the report.

Answers never meet a student's code: that runs in a sandbox (`sandbox`, and in it `inside`), is handed inputs
and returns plain arrays. What is expected, the comparison and the marks stay outside (`marking`).
"""
