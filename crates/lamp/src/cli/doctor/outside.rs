//! The device that a twin's calls outside are led into: with it they are recorded, without it they only fail.

use std::path::Path;

use super::Check;

/// The device.
const TUN: &str = "/dev/net/tun";

/// Whether it can be opened: a module that is missing shows only then.
pub(super) fn check() -> Check {
    of(Path::new(TUN))
}

fn of(path: &Path) -> Check {
    let opened = fs_err::OpenOptions::new().read(true).write(true).open(path);
    match opened {
        Ok(_) => Check::fine("twin", TUN, "calls outside are recorded"),
        Err(error) => Check::lacking(
            "twin",
            TUN,
            format!("{error}: calls outside of a rehearsal are not recorded"),
            "`modprobe tun`; in a container, give it the device",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[test]
    fn a_missing_device_has_its_mend() {
        let said = [of(Path::new("/no/such/device")), of(Path::new("/dev/null"))];
        insta::assert_snapshot!(said.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
}
