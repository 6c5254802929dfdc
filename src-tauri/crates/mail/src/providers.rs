//! Settings of mail providers: a built-in table first, guesses by the usual names after it. Pure.

use skrynka_core::model::{Endpoint, Security, is_plausible_address};
use url::Host;

/// How a provider lets other programs sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passwords {
    /// With the password of the mailbox.
    Yes,
    /// With that password, once reading by other programs is switched on in the provider's settings.
    SwitchOnFirst,
    /// With a password that its user makes for this program in the provider's settings.
    AppPassword,
    /// Not at all: only through the provider's own sign-in page (OAuth 2).
    No,
}

/// One server of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is.
    pub endpoint: Endpoint,
    /// How it is protected; never plain text, except on this computer.
    pub security: Security,
}

/// What is known of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name as people know it.
    pub name: &'static str,
    /// Its IMAP server.
    pub imap: Server,
    /// Its SMTP server.
    pub smtp: Server,
    /// How one signs in.
    pub passwords: Passwords,
    /// The provider's own page on it.
    pub help_url: Option<&'static str>,
}

/// What an address tells of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// The provider is known.
    Known(Box<Provider>),
    /// Servers to be tried in this order; see [`crate::probe::find`].
    Guesses {
        /// IMAP servers.
        imap: Vec<Server>,
        /// SMTP servers.
        smtp: Vec<Server>,
    },
    /// This is no mail address.
    NotAnAddress,
}

/// One row of the table: `host:port` with implicit TLS, or `host:port*` for STARTTLS.
struct Row {
    name: &'static str,
    domains: &'static [&'static str],
    imap: &'static str,
    smtp: &'static str,
    passwords: Passwords,
    help_url: Option<&'static str>,
}

const TABLE: &[Row] = &[
    Row {
        name: "Gmail",
        domains: &["gmail.com", "googlemail.com"],
        imap: "imap.gmail.com:993",
        smtp: "smtp.gmail.com:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://support.google.com/accounts/answer/185833"),
    },
    Row {
        name: "Outlook",
        domains: &[
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "outlook.pl",
            "hotmail.pl",
            "live.co.uk",
            "hotmail.co.uk",
            "outlook.de",
            "hotmail.de",
            "hotmail.fr",
            "hotmail.be",
            "hotmail.ca",
            "hotmail.cz",
            "hotmail.es",
            "hotmail.it",
            "hotmail.nl",
            "hotmail.no",
            "hotmail.se",
            "live.at",
            "live.be",
            "live.ca",
            "live.cn",
            "live.de",
            "live.dk",
            "live.fi",
            "live.fr",
            "live.ie",
            "live.it",
            "live.nl",
            "live.no",
            "live.se",
            "live.com.au",
            "outlook.at",
            "outlook.be",
            "outlook.cz",
            "outlook.dk",
            "outlook.es",
            "outlook.hu",
            "outlook.ie",
            "outlook.it",
            "outlook.jp",
            "outlook.lv",
            "outlook.pt",
            "outlook.sk",
            "outlook.com.au",
            "outlook.com.br",
            "outlook.com.tr",
            "windowslive.com",
            "office365.com",
            "outlook.fr",
            "onmicrosoft.com",
        ],
        imap: "outlook.office365.com:993",
        smtp: "smtp.office365.com:587*",
        passwords: Passwords::No,
        help_url: Some("https://support.microsoft.com/office/d088b986-291d-42b8-9564-9c414e2aa040"),
    },
    Row {
        name: "ukr.net",
        domains: &["ukr.net"],
        imap: "imap.ukr.net:993",
        smtp: "smtp.ukr.net:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://wiki.ukr.net/ManageIMAPAccess"),
    },
    Row {
        name: "I.UA",
        domains: &["i.ua", "ua.fm", "email.ua", "3g.ua"],
        imap: "imap.i.ua:993",
        smtp: "smtp.i.ua:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: None,
    },
    Row {
        name: "МЕТА",
        domains: &["meta.ua"],
        imap: "imap.meta.ua:993",
        smtp: "smtp.meta.ua:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: None,
    },
    Row {
        name: "Yahoo",
        domains: &[
            "yahoo.com",
            "yahoo.co.uk",
            "yahoo.de",
            "yahoo.fr",
            "yahoo.pl",
            "yahoo.ca",
            "yahoo.es",
            "yahoo.it",
            "yahoo.ro",
            "yahoo.se",
            "yahoo.gr",
            "yahoo.co.in",
            "yahoo.co.nz",
            "yahoo.com.ar",
            "yahoo.com.au",
            "yahoo.com.br",
            "yahoo.com.mx",
            "yahoo.com.tr",
            "myyahoo.com",
            "ymail.com",
            "rocketmail.com",
        ],
        imap: "imap.mail.yahoo.com:993",
        smtp: "smtp.mail.yahoo.com:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://help.yahoo.com/kb/SLN15241.html"),
    },
    Row {
        name: "iCloud",
        domains: &["icloud.com", "me.com", "mac.com"],
        imap: "imap.mail.me.com:993",
        smtp: "smtp.mail.me.com:587*",
        passwords: Passwords::AppPassword,
        help_url: Some("https://support.apple.com/102654"),
    },
    Row {
        name: "Zoho",
        domains: &["zoho.com", "zohomail.com"],
        imap: "imap.zoho.com:993",
        smtp: "smtp.zoho.com:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://www.zoho.com/mail/help/imap-access.html"),
    },
    Row {
        name: "Zoho EU",
        domains: &["zoho.eu", "zohomail.eu"],
        imap: "imap.zoho.eu:993",
        smtp: "smtp.zoho.eu:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://www.zoho.com/mail/help/imap-access.html"),
    },
    Row {
        name: "WP Poczta",
        domains: &["wp.pl"],
        imap: "imap.wp.pl:993",
        smtp: "smtp.wp.pl:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: Some("https://pomoc.wp.pl"),
    },
    Row {
        name: "o2",
        domains: &["o2.pl", "tlen.pl", "go2.pl", "prokonto.pl"],
        imap: "poczta.o2.pl:993",
        smtp: "poczta.o2.pl:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: Some("https://pomoc.o2.pl"),
    },
    Row {
        name: "Onet Poczta",
        domains: &[
            "onet.pl",
            "op.pl",
            "vp.pl",
            "onet.eu",
            "poczta.onet.pl",
            "autograf.pl",
            "buziaczek.pl",
            "amorki.pl",
            "onet.com.pl",
            "poczta.onet.eu",
            "vip.onet.pl",
            "republika.pl",
            "adres.pl",
            "cyberia.pl",
            "opoczta.pl",
            "pseudonim.pl",
            "spoko.pl",
        ],
        imap: "imap.poczta.onet.pl:993",
        smtp: "smtp.poczta.onet.pl:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://pomoc.poczta.onet.pl"),
    },
    Row {
        name: "Interia",
        domains: &[
            "interia.pl",
            "interia.eu",
            "interia.com",
            "poczta.fm",
            "intmail.pl",
            "interiowy.pl",
            "adresik.net",
            "ogarnij.se",
            "pisz.to",
            "pacz.to",
            "vip.interia.pl",
        ],
        imap: "poczta.interia.pl:993",
        smtp: "poczta.interia.pl:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: Some("https://pomoc.interia.pl"),
    },
    Row {
        name: "GMX",
        domains: &["gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info", "gmx.biz"],
        imap: "imap.gmx.net:993",
        smtp: "mail.gmx.net:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: Some("https://hilfe.gmx.net/pop-imap/imap/index.html"),
    },
    Row {
        name: "GMX",
        domains: &["gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es", "gmx.it", "gmx.ie", "gmx.pt", "gmx.se"],
        imap: "imap.gmx.com:993",
        smtp: "mail.gmx.com:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: None,
    },
    Row {
        name: "WEB.DE",
        domains: &["web.de"],
        imap: "imap.web.de:993",
        smtp: "smtp.web.de:465",
        passwords: Passwords::SwitchOnFirst,
        help_url: None,
    },
    Row {
        name: "AOL",
        domains: &["aol.com", "aim.com", "aol.co.uk", "aol.de", "aol.fr", "aol.it", "aol.es"],
        imap: "imap.aol.com:993",
        smtp: "smtp.aol.com:465",
        passwords: Passwords::AppPassword,
        help_url: None,
    },
    Row {
        name: "Fastmail",
        domains: &["fastmail.com", "fastmail.fm"],
        imap: "imap.fastmail.com:993",
        smtp: "smtp.fastmail.com:465",
        passwords: Passwords::AppPassword,
        help_url: Some("https://www.fastmail.help/hc/en-us/articles/360058752854"),
    },
    Row {
        name: "Proton Mail Bridge",
        domains: &["proton.me", "protonmail.com", "pm.me", "protonmail.ch"],
        imap: "127.0.0.1:1143*",
        smtp: "127.0.0.1:1025*",
        passwords: Passwords::AppPassword,
        help_url: Some("https://proton.me/mail/bridge"),
    },
];

/// Finds what is known or likely for an address. Encrypted servers only, implicit TLS before STARTTLS.
pub fn discover(address: &str) -> Discovery {
    let address = address.trim();
    let Some((_, domain)) = address.rsplit_once('@').filter(|_| is_plausible_address(address)) else {
        return Discovery::NotAnAddress;
    };
    // The names of servers are ASCII; a domain in another script is written as DNS has it (RFC 5891).
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return Discovery::NotAnAddress };
    let of_domain = |row: &&Row| {
        row.domains.contains(&domain.as_str())
            || domain.ends_with(".onmicrosoft.com") && row.domains.contains(&"onmicrosoft.com")
    };
    match TABLE.iter().find(of_domain).and_then(Row::provider) {
        Some(provider) => Discovery::Known(Box::new(provider)),
        None => guesses(&domain),
    }
}

fn guesses(domain: &str) -> Discovery {
    let names = |first: &str| [format!("{first}.{domain}"), format!("mail.{domain}"), domain.to_owned()];
    let server = |host: &str, port, security| Server { endpoint: Endpoint { host: host.to_owned(), port }, security };
    let each = |first: &str, tls: u16, starttls: u16| {
        let hosts = names(first);
        let implicit = hosts.iter().map(|host| server(host, tls, Security::Tls));
        let upgraded = hosts.iter().map(|host| server(host, starttls, Security::Starttls));
        implicit.chain(upgraded).collect()
    };
    Discovery::Guesses { imap: each("imap", 993, 143), smtp: each("smtp", 465, 587) }
}

impl Row {
    fn provider(&self) -> Option<Provider> {
        Some(Provider {
            name: self.name,
            imap: server(self.imap)?,
            smtp: server(self.smtp)?,
            passwords: self.passwords,
            help_url: self.help_url,
        })
    }
}

fn server(text: &str) -> Option<Server> {
    let (text, security) = match text.strip_suffix('*') {
        Some(text) => (text, Security::Starttls),
        None => (text, Security::Tls),
    };
    Some(Server { endpoint: text.parse().ok()?, security })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_read_and_no_domain_stands_twice() {
        let mut domains: Vec<&str> = TABLE.iter().flat_map(|row| row.domains).copied().collect();
        assert!(TABLE.iter().all(|row| row.provider().is_some()));
        let count = domains.len();
        domains.sort_unstable();
        domains.dedup();
        assert_eq!(domains.len(), count);
    }

    #[test]
    fn the_bureaus_providers_are_known() {
        for (address, imap, passwords) in [
            ("a@gmail.com", "imap.gmail.com:993", Passwords::AppPassword),
            ("a@Outlook.com", "outlook.office365.com:993", Passwords::No),
            ("a@firma.onmicrosoft.com", "outlook.office365.com:993", Passwords::No),
            ("a@ukr.net", "imap.ukr.net:993", Passwords::AppPassword),
            (" a@i.ua ", "imap.i.ua:993", Passwords::SwitchOnFirst),
            ("a@op.pl", "imap.poczta.onet.pl:993", Passwords::AppPassword),
        ] {
            let Discovery::Known(provider) = discover(address) else { panic!("{address}") };
            assert_eq!((provider.imap.endpoint.to_string().as_str(), provider.passwords), (imap, passwords));
        }
    }

    #[test]
    fn guesses_are_encrypted_and_implicit_tls_comes_first() {
        let Discovery::Guesses { imap, smtp } = discover("biuro@example.org") else { panic!() };
        assert_eq!(imap[0].endpoint.to_string(), "imap.example.org:993");
        assert_eq!(smtp[0].endpoint.to_string(), "smtp.example.org:465");
        let order: Vec<Security> = imap.iter().map(|server| server.security).collect();
        assert_eq!(order, [[Security::Tls; 3], [Security::Starttls; 3]].concat());
        assert_eq!(discover("not an address"), Discovery::NotAnAddress);
    }

    #[test]
    fn a_name_that_only_looks_like_a_provider_is_not_taken_for_it() {
        for address in ["x@notgmail.com", "x@gmail.com.example.org", "x@onmicrosoft.com.example.org"] {
            assert!(matches!(discover(address), Discovery::Guesses { .. }), "{address}");
        }
    }

    #[test]
    fn a_domain_in_another_script_is_asked_for_as_dns_has_it() {
        let Discovery::Guesses { imap, .. } = discover("пошта@приклад.укр") else { panic!() };
        assert_eq!(imap[0].endpoint.host, "imap.xn--80aikifvh.xn--j1amh");
    }

    #[test]
    fn what_is_no_address_is_not_looked_up() {
        for text in ["", "gmail.com", "@gmail.com", "a@", "a b@gmail.com", "a@127.0.0.1", "a@[::1]", "a@b..c", "a@%zz"]
        {
            assert_eq!(discover(text), Discovery::NotAnAddress, "{text:?}");
        }
    }
}
