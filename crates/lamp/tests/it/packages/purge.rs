//! Which packages must go for the listed ones to be gone: all that need them, and need those.

use std::collections::BTreeSet;

/// What to ask of dpkg-query for [`to_purge`].
pub(super) const FORMAT: &str =
    "${Package}\t${db:Status-Status}\t${Essential}\t${Priority}\t${Provides}\t${Pre-Depends}, ${Depends}\n";

/// The packages behind the listed ones, which are often only names for them.
const BEHIND: [&str; 5] = ["apache2", "libapache2-mod-php", "php", "mariadb", "libmariadb"];

/// One installed package.
struct Package<'a> {
    name: &'a str,
    /// The system cannot do without it.
    base: bool,
    provides: Vec<&'a str>,
    /// Each is met by any of its alternatives.
    needs: Vec<Vec<&'a str>>,
}

/// Names to purge in one run of dpkg, from what [`FORMAT`] printed.
pub(super) fn to_purge(installed: &str, listed: &BTreeSet<String>) -> BTreeSet<String> {
    let packages: Vec<Package<'_>> = installed.lines().filter_map(package).collect();
    let behind = |name: &str| BEHIND.iter().any(|start| name.starts_with(start));
    let first = packages
        .iter()
        .filter(|package| !package.base && (listed.contains(package.name) || behind(package.name)));
    let mut gone: BTreeSet<String> = first.map(|package| package.name.to_owned()).collect();
    loop {
        let more = broken_without(&packages, &gone);
        if more.is_empty() {
            return gone;
        }
        gone.extend(more);
    }
}

fn broken_without(packages: &[Package<'_>], gone: &BTreeSet<String>) -> Vec<String> {
    let stay: Vec<&Package<'_>> = packages
        .iter()
        .filter(|package| !gone.contains(package.name))
        .collect();
    let there: BTreeSet<&str> = stay
        .iter()
        .flat_map(|package| package.provides.iter().copied().chain([package.name]))
        .collect();
    let is_broken = |package: &&&Package<'_>| {
        let met = |need: &Vec<&str>| need.iter().any(|alternative| there.contains(alternative));
        !package.needs.iter().all(met)
    };
    stay.iter()
        .filter(is_broken)
        .map(|package| package.name.to_owned())
        .collect()
}

fn package(line: &str) -> Option<Package<'_>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, "installed", essential, priority, provides, needs] = fields.as_slice() else {
        return None;
    };
    let groups = needs
        .split(',')
        .map(|group| group.split('|').filter_map(name_of).collect());
    Some(Package {
        name,
        base: *essential == "yes" || *priority == "required",
        provides: provides.split(',').filter_map(name_of).collect(),
        needs: groups.filter(|group: &Vec<&str>| !group.is_empty()).collect(),
    })
}

/// `name:arch (>= version)` without architecture and version.
fn name_of(text: &str) -> Option<&str> {
    text.split([' ', '(', ':']).find(|word| !word.is_empty())
}

#[test]
fn what_needs_a_purged_package_goes_with_it() {
    let installed = "gcc\tinstalled\tno\toptional\t\t, \n\
        g++\tinstalled\tno\toptional\tc++\t, gcc (>= 12), libc6\n\
        cmake\tinstalled\tno\toptional\t\t, c++ | clang\n\
        tool\tinstalled\tno\toptional\t\tclang:any | sh, \n\
        sh\tinstalled\tyes\trequired\t\t, \n\
        libc6\tinstalled\tno\toptional\t\t, \n\
        old\tconfig-files\tno\toptional\t\t, gcc\n";
    let purged = to_purge(installed, &["gcc", "sh"].map(str::to_owned).into());
    assert_eq!(purged, ["gcc", "g++", "cmake"].map(str::to_owned).into());
}
