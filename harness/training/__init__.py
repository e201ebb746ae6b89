"""One training: device-resident data, mmengine's Runner, evaluation, checkpoints."""
