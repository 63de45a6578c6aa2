//! Twins: strangers' code, held.

use crate::support::{Place, says, started};

#[test]
fn a_twin_writes_to_itself_alone() {
    let place = Place::new();
    let twin = started(&place.twin("writes"));
    println!(
        "{}",
        says(
            &twin,
            "id; cat /proc/self/status | grep -E 'Cap|Seccomp|NoNew'; ls -la / /dev /root /home /var/log /run; cat /proc/self/mountinfo; cat /proc/self/cgroup; cat /proc/self/uid_map"
        )
    );
    says(
        &twin,
        "echo x > /usr/made && rm /usr/bin/yes && echo y > /etc/passwd && ls /usr/made",
    );
    assert!(!std::path::Path::new("/usr/made").exists());
}
