//! MediaWiki's extensions and skins: the files and directories out of which their classes are loaded.

use super::{Missing, Seen, spot};
use crate::place::{Place, beneath, file_name, parent};
use crate::surroundings::composer::json::Json;

const NAMES: [&str; 2] = ["extension.json", "skin.json"];
/// By class its file, and by the beginning of classes their directory, from the extension's own.
const LISTS: [&str; 2] = ["AutoloadClasses", "AutoloadNamespaces"];

pub(super) fn missing<'t>(seen: Seen<'t, '_>) -> Vec<Missing<'t>> {
    let paths = seen.paths(|path| NAMES.contains(&file_name(path)));
    paths.flat_map(|path| of_extension(seen, path)).collect()
}

fn of_extension<'t>(seen: Seen<'t, '_>, by: &'t str) -> Vec<Missing<'t>> {
    let Some(text) = seen.text(by) else {
        return Vec::new();
    };
    // Other programs have an `extension.json`, too.
    let json = Json::parse(text.as_bytes()).ok();
    let Some(json) = json.filter(|json| json.get("manifest_version").is_some()) else {
        return Vec::new();
    };
    let lists = LISTS
        .iter()
        .filter_map(|list| json.get(list))
        .flat_map(Json::members);
    let named = lists.filter_map(|(class, path)| Some((class, path.text()?)));
    let missing = named.filter_map(|(class, named)| {
        let path = beneath(parent(by), named);
        (seen.ground.places.find(&path) == Place::Nothing).then(|| Missing {
            by,
            at: spot(&text, text.find(&format!("\"{named}\"")).unwrap_or_default()),
            message: format!("MediaWiki is to load {class} from what does not exist: {path}"),
            path,
        })
    });
    missing.collect()
}
