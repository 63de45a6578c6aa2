//! Old releases taken away, as retention says. Runs after a confirmation; whatever fails here turns no
//! deployment red, and is tried again after the next.

use lamp_model::Event;
use lamp_model::name::ReleaseId;

use crate::desk::Desk;
use crate::execute::Tools;
use crate::hands::HandsError;

/// Removes what retention lets go, and says in the log what is gone.
pub async fn retain(desk: &Desk, tools: &Tools) {
    if let Err(error) = try_retain(desk, tools).await {
        tracing::warn!(site = %desk.site, %error, "old releases not removed; tried again after the next");
    }
}

/// The same, with its failure; answers what is gone.
pub async fn try_retain(desk: &Desk, tools: &Tools) -> Result<Vec<ReleaseId>, HandsError> {
    let site = tools.ledger.site(&desk.site);
    let retention = desk.hands.retention(&site).await?;
    for release in &retention.gone {
        desk.hands.prune(release).await?;
        let pruned = Event::Pruned {
            site: desk.site.clone(),
            release: release.clone(),
        };
        let logged = tools.ledger.append(vec![pruned]).await;
        logged.map_err(|error| HandsError::failed(&error))?;
    }
    Ok(retention.gone)
}
