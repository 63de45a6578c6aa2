//! The logs that Apache writes for one site: there, and in our own format.

use std::path::Path;

use lamp_agent::gate::requests::lately;
use lamp_agent::hands::HandsError;
use lamp_fleet::Host;
use lamp_model::name::SiteName;
use lamp_release::SiteConfig;

use super::Check;

/// Both logs of a site. The access log is read as the agent reads it: by a process without rights.
pub(super) async fn checks(name: &SiteName, section: &SiteConfig, host: &Host) -> Vec<Check> {
    let area = name.as_str();
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let path = section.access_log.as_path();
    let access = match size(host, path) {
        Ok(0) => Ok(0),
        Ok(_) => lately(program, section.clone())
            .await
            .map(|read| read.len())
            .and_then(no_line_is_lacking),
        Err(why) => Err(why),
    };
    let error = section.error_log.as_ref().map(|log| {
        let path = log.as_path();
        error_log(area, path, size(host, path))
    });
    let unnamed = || {
        let mend = "name it in lamp.toml: without it no failure is traced to its line";
        Check::lacking(area, "error log", "no `error_log` is named", mend)
    };
    vec![access_log(area, path, access), error.unwrap_or_else(unnamed)]
}

fn no_line_is_lacking(lines: usize) -> Result<usize, HandsError> {
    match lines {
        0 => Err(HandsError::Failed(
            "none of its last lines tells of a visitor in our own format".to_owned(),
        )),
        some => Ok(some),
    }
}

fn size(host: &Host, path: &Path) -> Result<u64, HandsError> {
    let (dir, name) = host.dir_of(path).map_err(|error| HandsError::failed(&error))?;
    let meta = dir.meta(name).map_err(|error| HandsError::failed(&error))?;
    Ok(meta.size)
}

fn access_log(area: &str, path: &Path, requests: Result<usize, HandsError>) -> Check {
    let path = path.display();
    match requests {
        Ok(0) => Check::fine(area, "access log", format!("{path} is there, and empty")),
        Ok(requests) => {
            let found = format!("{path} tells of {requests} request(s) in our own format");
            Check::fine(area, "access log", found)
        }
        Err(why) => {
            let mend = format!("ask the site for a page and look again; {}", lines(area));
            Check::lacking(area, "access log", format!("{path}: {why}"), mend)
        }
    }
}

fn error_log(area: &str, path: &Path, size: Result<u64, HandsError>) -> Check {
    let path = path.display();
    match size {
        Ok(_) => Check::fine(area, "error log", format!("{path} is there")),
        Err(why) => Check::lacking(area, "error log", format!("{path}: {why}"), lines(area)),
    }
}

fn lines(site: &str) -> String {
    format!("`lamp apache lines {site}` prints the lines that its virtual hosts need")
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[test]
    fn each_state_of_a_log_has_its_mend() {
        let path = Path::new("/var/log/apache2/lamp-shop.log");
        let gone = || HandsError::Failed("stat lamp-shop.log: No such file or directory".to_owned());
        let said = [
            access_log("shop", path, Err(gone())),
            access_log("shop", path, no_line_is_lacking(0)),
            access_log("shop", path, no_line_is_lacking(7)),
            access_log("shop", path, Ok(0)),
            error_log("shop", path, Err(gone())),
            error_log("shop", path, Ok(0)),
        ];
        insta::assert_snapshot!(said.iter().map(text).collect::<Vec<_>>().join("\n"));
    }
}
