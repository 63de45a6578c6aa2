//! Log bytes to typed lines and error signatures. Pure.
