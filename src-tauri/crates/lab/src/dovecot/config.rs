//! The configuration file.

use std::{path::Path, process::Command};

use anyhow::{Context, Result};

use super::{Options, Owner, Ports};

/// What Dovecot 2.3 offers after the sign-in when it may choose by itself.
const CAPABILITIES: &str = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES \
    THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS \
    LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY \
    MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE";

pub(super) fn text(folder: &Path, options: &Options, ports: Ports, owner: Owner) -> Result<String> {
    let lab = folder.display();
    let Ports { imap, imaps, lmtp } = ports;
    let Owner { uid, gid, .. } = owner;
    let connections = options.connections_per_user;
    let capabilities = capabilities(&options.without);
    let quota = options.quota.map(quota).unwrap_or_default();
    let mechanisms = if options.introspection.is_some() { options.token_mechanisms.join(" ") } else { String::new() };
    let tokens = if options.introspection.is_some() { tokens(folder, &mechanisms) } else { String::new() };
    let unprivileged = if owner.is_root { String::new() } else { unprivileged()? };
    Ok(format!(
        "base_dir = {lab}/run
state_dir = {lab}/state
log_path = {lab}/dovecot.log
instance_name = skrynka-lab
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{lab}/server.pem
ssl_key = <{lab}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login {mechanisms}
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_fsync = never
mail_max_userip_connections = {connections}
mailbox_idle_check_interval = 1 secs
default_vsz_limit = 1 G
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
{capabilities}
{quota}
{tokens}
# One file per user: Dovecot looks at a file it knows at most once a second.
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {lab}/users/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={lab}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
service imap-login {{
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
# Every client of a test comes from one address; wrong passwords must not slow down the next one.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{unprivileged}"
    ))
}

fn quota(kib: u32) -> String {
    format!(
        "mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage={kib}K
}}"
    )
}

fn tokens(folder: &Path, mechanisms: &str) -> String {
    format!(
        "passdb {{
  driver = oauth2
  mechanisms = {mechanisms}
  args = {}/oauth2.conf.ext
}}
",
        folder.display()
    )
}

/// How Dovecot asks whose a token is.
pub(super) fn oauth2(introspection: &str) -> String {
    format!(
        "introspection_url = {introspection}
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
"
    )
}

fn capabilities(without: &[&str]) -> String {
    if without.is_empty() {
        return String::new();
    }
    let rest: Vec<&str> = CAPABILITIES.split_whitespace().filter(|name| !without.contains(name)).collect();
    format!("imap_capability = {}", rest.join(" "))
}

/// An ordinary user can neither change the user nor the root directory of a process.
fn unprivileged() -> Result<String> {
    let (user, group) = (id("-un")?, id("-gn")?);
    let services: String = ["anvil", "imap-login", "stats", "dict", "imap-urlauth-login"]
        .iter()
        .map(|service| format!("service {service} {{\n  chroot =\n}}\n"))
        .collect();
    Ok(format!(
        "default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service lmtp {{
  user = {user}
}}
{services}"
    ))
}

fn id(what: &str) -> Result<String> {
    let output = Command::new("id").arg(what).output().context("Failed to ask who runs the lab")?;
    Ok(String::from_utf8(output.stdout).context("The user's name is not UTF-8")?.trim().to_owned())
}
