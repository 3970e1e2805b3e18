"""`python -m seq2seq_lab`, which is the command `seq2seq-lab`."""

import sys

from seq2seq_lab.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
