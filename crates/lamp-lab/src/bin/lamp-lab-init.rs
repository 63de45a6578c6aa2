//! What the sandboxes of this crate's own tests run as keeper and first process.

fn main() {
    lamp_sandbox::init_main()
}
