//! Labs on this machine: real Apache, PHP, MariaDB and WordPress in real sandboxes.

mod applications;
mod bench;
mod breakages;
mod control;
mod life;
mod wordpress;
