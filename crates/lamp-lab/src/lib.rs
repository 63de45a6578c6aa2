//! A real LAMP stack in a sandbox and an open-loop load generator: demo, drills, tests.
