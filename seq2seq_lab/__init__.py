"""A lab on recurrent encoder-decoders: "one two five" -> "125#", on TensorFlow 2 and Keras 3.

`__init__.pyi` lists the public names. The module of a name is loaded when the name is first used, so that
`import seq2seq_lab` alone does not load TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
