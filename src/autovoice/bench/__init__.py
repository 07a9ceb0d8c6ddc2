"""Speed and memory of each preset on this machine, beside two baselines: python -m autovoice.bench."""
