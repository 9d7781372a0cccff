"""The engine for GGUF models, on llama.cpp. Read `engine`, then `scheduler` and `sequence`."""
