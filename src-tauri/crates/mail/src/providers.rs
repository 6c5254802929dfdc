//! What an address alone says about its servers: a built-in table of providers, and guesses for everybody else.
//!
//! Nothing is asked of any server here, see [`crate::probe::find`].

mod table;

use skrynka_core::model::{Endpoint, Security, is_plausible_address};
use url::Host;

/// What a provider takes to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passwords {
    /// The mailbox's own password.
    Password,
    /// Only an app password made in the provider's settings.
    AppPassword,
    /// Reading by programs must be switched on in the web settings first, which may give a password of its own.
    SwitchOnFirst,
    /// No password at all (OAuth only).
    None,
}

/// A pair of servers for one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    /// The IMAP server.
    pub imap: Endpoint,
    /// How its connection is protected.
    pub imap_security: Security,
    /// The SMTP server.
    pub smtp: Endpoint,
    /// How its connection is protected.
    pub smtp_security: Security,
}

/// What is known of an address before any server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The provider's name where the table knows it.
    pub provider: Option<&'static str>,
    /// What it takes to sign in.
    pub passwords: Passwords,
    /// The provider's own page about signing in with a program.
    pub help_url: Option<&'static str>,
    /// Where the mailbox may be, best first; never a connection without encryption.
    pub servers: Vec<Servers>,
}

/// Looks an address up. `None` when it is not a mail address with a host name as its domain.
pub fn discover(address: &str) -> Option<Discovery> {
    let address = address.trim();
    if !is_plausible_address(address) {
        return None;
    }
    let (_, domain) = address.rsplit_once('@')?;
    // The names of servers are ASCII; a domain in another script is written as DNS has it (RFC 5891).
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return None };
    let known = table::PROVIDERS.iter().find(|provider| provider.serves(&domain));
    Some(known.map_or_else(|| guesses(&domain), table::Provider::discovery))
}

/// The names administrators choose, TLS from the first byte before STARTTLS (RFC 8314).
fn guesses(domain: &str) -> Discovery {
    let imap = [format!("imap.{domain}"), format!("mail.{domain}"), domain.to_owned()];
    let smtp = [format!("smtp.{domain}"), format!("mail.{domain}"), domain.to_owned()];
    let ways = [(Security::Tls, 993, 465), (Security::Starttls, 143, 587)];
    let pair = |(security, imap_port, smtp_port)| {
        imap.iter().zip(&smtp).map(move |(imap, smtp)| Servers {
            imap: Endpoint { host: imap.clone(), port: imap_port },
            imap_security: security,
            smtp: Endpoint { host: smtp.clone(), port: smtp_port },
            smtp_security: security,
        })
    };
    let servers = ways.into_iter().flat_map(pair).collect();
    Discovery { provider: None, passwords: Passwords::Password, help_url: None, servers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_providers_are_recognised_by_any_of_their_domains() {
        for (address, provider, imap, passwords) in [
            ("olena@gmail.com", "Gmail", "imap.gmail.com:993", Passwords::AppPassword),
            ("olena@GoogleMail.com ", "Gmail", "imap.gmail.com:993", Passwords::AppPassword),
            ("biuro@ukr.net", "ukr.net", "imap.ukr.net:993", Passwords::SwitchOnFirst),
            ("x@i.ua", "I.UA", "imap.i.ua:993", Passwords::Password),
            ("x@meta.ua", "META.ua", "imap.meta.ua:993", Passwords::Password),
            ("x@yahoo.co.uk", "Yahoo", "imap.mail.yahoo.com:993", Passwords::AppPassword),
            ("x@icloud.com", "iCloud", "imap.mail.me.com:993", Passwords::AppPassword),
            ("x@zohomail.eu", "Zoho Mail", "imap.zoho.eu:993", Passwords::SwitchOnFirst),
            ("x@wp.pl", "WP Poczta", "imap.wp.pl:993", Passwords::SwitchOnFirst),
            ("x@tlen.pl", "o2 Poczta", "poczta.o2.pl:993", Passwords::SwitchOnFirst),
            ("x@op.pl", "Onet Poczta", "imap.poczta.onet.pl:993", Passwords::Password),
            ("x@poczta.fm", "Interia Poczta", "poczta.interia.pl:993", Passwords::Password),
            ("x@gmx.de", "GMX", "imap.gmx.net:993", Passwords::SwitchOnFirst),
            ("x@proton.me", "Proton Mail Bridge", "127.0.0.1:1143", Passwords::AppPassword),
        ] {
            let found = discover(address).unwrap();
            assert_eq!((found.provider, found.passwords), (Some(provider), passwords), "{address}");
            assert_eq!(found.servers[0].imap.to_string(), imap, "{address}");
        }
    }

    #[test]
    fn a_provider_that_takes_no_passwords_is_named_before_one_is_asked_for() {
        for address in ["x@outlook.com", "x@hotmail.co.uk", "x@live.com", "x@biuro.onmicrosoft.com", "x@outlook.com.ar"]
        {
            let found = discover(address).unwrap();
            assert_eq!(found.passwords, Passwords::None, "{address}");
            assert!(found.help_url.is_some());
        }
    }

    #[test]
    fn a_name_that_only_looks_like_a_provider_is_not_taken_for_it() {
        for address in
            ["x@notgmail.com", "x@gmail.com.example.org", "x@onmicrosoft.com.example.org", "x@hotmail.example"]
        {
            assert_eq!(discover(address).unwrap().provider, None, "{address}");
        }
    }

    #[test]
    fn other_domains_are_guessed_with_tls_first_and_never_without_encryption() {
        let found = discover("office@example.org").unwrap();
        let written: Vec<String> =
            found.servers.iter().map(|s| format!("{} {} {}", s.imap, s.smtp, s.imap_security.as_str())).collect();
        assert_eq!(
            written,
            [
                "imap.example.org:993 smtp.example.org:465 tls",
                "mail.example.org:993 mail.example.org:465 tls",
                "example.org:993 example.org:465 tls",
                "imap.example.org:143 smtp.example.org:587 starttls",
                "mail.example.org:143 mail.example.org:587 starttls",
                "example.org:143 example.org:587 starttls",
            ]
        );
    }

    #[test]
    fn no_entry_of_the_table_or_guess_is_without_encryption() {
        let known = table::PROVIDERS.iter().map(table::Provider::discovery);
        for servers in known.chain(discover("a@b.example")).flat_map(|found| found.servers) {
            let ways = [servers.imap_security, servers.smtp_security];
            assert!(!ways.contains(&Security::LoopbackPlain), "{servers:?}");
        }
    }

    #[test]
    fn every_domain_belongs_to_one_provider_and_is_written_as_it_is_looked_up() {
        let domains: Vec<&str> = table::PROVIDERS.iter().flat_map(|provider| provider.domains).copied().collect();
        for (place, domain) in domains.iter().enumerate() {
            assert!(!domains[..place].contains(domain), "{domain} stands twice");
            let host = domain.trim_start_matches('.');
            assert_eq!(Host::parse(host).unwrap().to_string(), host);
        }
    }

    #[test]
    fn a_domain_in_another_script_is_asked_for_as_dns_has_it() {
        let found = discover("пошта@приклад.укр").unwrap();
        assert_eq!(found.servers[0].imap.host, "imap.xn--80aikifvh.xn--j1amh");
    }

    #[test]
    fn what_is_no_address_is_not_looked_up() {
        for text in ["", "gmail.com", "@gmail.com", "a@", "a b@gmail.com", "a@127.0.0.1", "a@[::1]", "a@b..c", "a@%zz"]
        {
            assert_eq!(discover(text), None, "{text:?}");
        }
    }
}
