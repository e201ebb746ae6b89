"""Jobs: training, evaluation, combination, and their export."""
