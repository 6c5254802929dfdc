//! Where Telegram's data centres are.

use std::collections::HashMap;
#[cfg(feature = "testing")]
use std::{collections::BTreeMap, net::SocketAddr};

use grammers_session::{SessionData, types::DcOption};

/// The data centres that sessions without an address and sign-ins go to.
#[derive(Clone, Default)]
pub struct DataCentres {
    #[cfg(feature = "testing")]
    named: BTreeMap<i32, Named>,
}

/// A data centre of a test.
#[cfg(feature = "testing")]
#[derive(Clone)]
struct Named {
    address: SocketAddr,
    key: Option<[u8; 256]>,
}

impl DataCentres {
    /// Adds a data centre at an address, with the key that stands in for the key exchange.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with(mut self, dc: i32, address: SocketAddr, key: Option<[u8; 256]>) -> Self {
        self.named.insert(dc, Named { address, key });
        self
    }

    pub(crate) fn options(&self) -> HashMap<i32, DcOption> {
        // With `testing` a test's own table comes before Telegram's.
        #[cfg(feature = "testing")]
        if !self.named.is_empty() {
            let option =
                |(dc, named): (&i32, &Named)| (*dc, crate::session::memory::option_at(*dc, named.address, named.key));
            return self.named.iter().map(option).collect();
        }
        SessionData::default().dc_options
    }
}

impl std::fmt::Debug for DataCentres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataCentres").finish_non_exhaustive()
    }
}
