"""The experiments, a room each, and what they share: settings, driver, schemas, documents."""
