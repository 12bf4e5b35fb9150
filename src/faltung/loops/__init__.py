"""Inner loops: arrays and integers only, one file each."""
