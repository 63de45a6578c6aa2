//! The init program of this crate's own tests; the product uses `lamp sandbox-init`.

fn main() {
    lamp_sandbox::init_main()
}
