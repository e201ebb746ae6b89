"""What CI runs beside the tests."""
