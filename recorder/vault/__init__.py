"""Where sealed recordings are kept: lossless, encrypted, each a link of its day's chain."""
