"""Networks trained."""
