//! The real binary against real parts.

mod clock;
mod faults;
mod ground;
mod kill;
mod log_check;
mod packages;
mod socket;
mod stack;
mod switch;
mod turn;
