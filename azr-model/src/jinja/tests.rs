//! Templates behave as Python's Jinja2 under transformers.
