"""What the families on mmsegmentation's encoder-decoders share: backbones and decode heads, whole or shrunk.

A backbone serves segmenters and classifiers alike, under the same names of tensors (``backbone.``), so that one can
start from the other. Nothing here imports torch before a network is built.
"""
