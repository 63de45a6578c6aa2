//! Release check: findings and the include graph of a PHP tree. Pure.
