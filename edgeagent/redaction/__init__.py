"""Takes out of screens and texts what the policy's ``redaction`` lists, before anything is stored, sent to a model or shown."""
