"""Training: begun, gone on with, prepared and watched."""
