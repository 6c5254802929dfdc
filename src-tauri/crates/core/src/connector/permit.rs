//! The right to talk to an account's server, as the lease gives it.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::ConnectorError;

/// Who knows whether the account's lease is still ours.
pub trait Permission: Send + Sync {
    /// Tells from what is known here, without I/O and counting time asleep, whether the lease is certainly ours.
    fn holds(&self) -> bool;
    /// Asks the database afresh, unless that was done within the last seconds.
    fn check(&self) -> BoxFuture<'_, Result<(), ConnectorError>>;
}

/// The right to talk to an account's server. The engine holds the lease, renews it and stops the listener before it
/// ends; a connector that opens connections by itself asks before each.
#[derive(Clone)]
pub struct Permit(Arc<dyn Permission>);

impl Permit {
    /// Makes a permit of who knows.
    pub fn new(permission: Arc<dyn Permission>) -> Self {
        Self(permission)
    }

    /// The permit of who needs no lease: a test of a login before the account exists.
    pub fn always() -> Self {
        struct Always;
        impl Permission for Always {
            fn holds(&self) -> bool {
                true
            }
            fn check(&self) -> BoxFuture<'_, Result<(), ConnectorError>> {
                Box::pin(async { Ok(()) })
            }
        }
        Self::new(Arc::new(Always))
    }

    /// Tells without I/O whether the lease is certainly still ours, also right after the computer slept. To be asked
    /// before each packet on a connection that may have slept.
    pub fn holds(&self) -> bool {
        self.0.holds()
    }

    /// Makes sure that the lease is ours. To be awaited before every connection that is opened; on an error nothing
    /// may be sent, and the listener ends with it.
    pub async fn check(&self) -> Result<(), ConnectorError> {
        self.0.check().await
    }
}

impl Default for Permit {
    fn default() -> Self {
        Self::always()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("holds", &self.holds()).finish()
    }
}
