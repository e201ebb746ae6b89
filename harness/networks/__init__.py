"""Networks: built from mmsegmentation's own configs and parts."""
