"""`python -m seq2seq_lab`, which is the command `seq2seq-lab`."""

from seq2seq_lab.cli.main import program

if __name__ == "__main__":
    program()
