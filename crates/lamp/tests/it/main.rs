//! The real binary against real parts.

mod check;
mod clock;
mod demo;
mod faults;
mod gate;
mod git;
mod ground;
mod hiding;
mod htaccess;
mod kernel;
mod kill;
mod log_check;
mod outage;
mod packages;
mod page;
mod serve;
mod socket;
mod stack;
mod surroundings;
mod switch;
mod turn;
mod twin;
mod watch;
