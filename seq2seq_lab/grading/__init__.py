"""A class of submissions, marked: what was asked and submitted, the sandbox, the marks, the reports.

The way of the data: `assignment` and `submissions` are read, `schedule` spreads the work over `processes` or
a `cluster`, `marking` has each answer run in the `sandbox` and judges it, `marks` are what comes of that, a
`marks_folder` keeps them, and `report`, `manual_grades` and `gradebook` show them.
`worksheets`, `feedback_zip` and `gradescope` give them back to the platform that the submissions came from.

Expected values never meet a student's code: that runs behind `isolation`, without some `system_calls`, in
`worker`, is given inputs and returns plain arrays. The reference, the comparison and the marks stay outside.
"""
