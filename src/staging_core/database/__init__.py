"""The rows that are the truth: tables, the engine, and one file per noun."""
