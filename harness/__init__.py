"""The library behind the claims: specs, data, models, training, metrics, run store, relations, reports."""
