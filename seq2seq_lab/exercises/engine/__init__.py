"""What an exercise is, how an answer is found in a notebook and asked, how what it returns is judged."""
