"""What an exercise is, how an answer to it is asked, and how what it returns is judged."""
