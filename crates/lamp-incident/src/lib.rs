//! Incidents: what follows from the log, the culprit, the timeline, the report. Pure.
