//! The agent's process: [`build`] puts it together, [`daemon`] runs it until [`shutdown`] says so.

pub mod build;
pub mod daemon;
pub mod door;
pub mod gate;
pub mod outside;
pub mod shutdown;
