//! Pages: the outbox, the notifiers.
