//! Watching: log following, probes, the detector.
