//! The names that this computer knows of the bureau and its people: the report may hold none of them.

use std::path::Path;

use skrynka_core::{logbook::redact::What, postgres::ServerUrl, profile::Settings};

use super::contents::Found;

/// A name that is an ordinary word tells nobody anything, and taking it out would take out half of the report.
const ORDINARY: &[&str] = &[
    "account",
    "admin",
    "app",
    "database",
    "email",
    "events",
    "inbox",
    "info",
    "live",
    "localhost",
    "mail",
    "office",
    "outbox",
    "postgres",
    "root",
    "sent",
    "server",
    "skrynka",
    "state",
    "store",
    "support",
    "telegram",
    "test",
    "user",
];

/// Everything that is known, with what it is.
pub fn known(profile: &Path, settings: Option<&Settings>, found: &Found) -> Vec<(What, String)> {
    let mut names = vec![(What::Path, profile.display().to_string())];
    let variable = |name: &str| std::env::var(name).ok();
    names.extend(["HOME", "USERPROFILE"].into_iter().filter_map(variable).map(|home| (What::Path, home)));
    names.extend(["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(variable).map(|user| (What::Name, user)));
    names.extend(["HOSTNAME", "COMPUTERNAME"].into_iter().filter_map(variable).map(|host| (What::Host, host)));
    names.extend(std::fs::read_to_string("/etc/hostname").ok().map(|host| (What::Host, host)));
    if let Some(settings) = settings {
        names.extend(settings.me.iter().chain(&settings.managers).cloned().map(|name| (What::Name, name)));
        names.extend(settings.database.server_url.iter().cloned().map(|url| (What::Host, url)));
        let server = settings.database.server_url.as_ref().and_then(|url| url.parse::<ServerUrl>().ok());
        let parts = server.iter().flat_map(ServerUrl::names).zip([What::Name, What::Host, What::Name]);
        names.extend(parts.map(|(part, what)| (what, part.to_owned())));
        let paths = settings.database.binaries.iter().chain(&settings.database.ca_file);
        names.extend(paths.map(|path| (What::Path, path.display().to_string())));
    }
    for account in found.accounts.iter().flatten() {
        names.push((What::Name, account.name.clone()));
        if let Some(email) = &account.email {
            names.push((What::Address, email.address.clone()));
            names.push((What::Name, email.user.clone()));
            names.extend(email.folders.iter().cloned().map(|folder| (What::Name, folder)));
            names.extend([&email.imap.host, &email.smtp.host].map(|host| (What::Host, host.clone())));
        }
        if let Some(telegram) = &account.telegram {
            names.push((What::Number, telegram.phone.clone()));
            names.push((What::Number, telegram.phone.trim_start_matches('+').to_owned()));
            names.push((What::Number, telegram.user_id.to_string()));
            names.push((What::Number, telegram.api_id.to_string()));
            if let Some(proxy) = &telegram.proxy {
                names.push((What::Host, proxy.server.host.clone()));
                names.extend(proxy.user.clone().map(|user| (What::Name, user)));
            }
        }
    }
    for owner in found.owners.iter().flatten() {
        names.push((What::Name, owner.name.clone()));
        names.extend(owner.username.clone().map(|name| (What::Name, name)));
    }
    names.extend(found.leases.iter().flatten().map(|lease| (What::Name, lease.holder.name.clone())));
    names.retain(|(_, name)| !ORDINARY.contains(&name.trim().to_lowercase().as_str()) && name.trim() != "/");
    names
}
