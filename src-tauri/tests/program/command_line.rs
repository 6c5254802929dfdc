//! The command line as a user meets it: what works, and what each wrong thing is told.

use crate::common::{PASSWORD, Profile, add_arguments};
use skrynka_lab::{
    Dovecot, Oauth2, Options, SmtpSink,
    authority::Authority,
    oauth2::{CLIENT_ID, CLIENT_SECRET},
};

const USER: &str = "office@example.org";

struct Servers {
    dovecot: Dovecot,
    smtp: SmtpSink,
}

fn servers() -> Servers {
    let smtp = SmtpSink::start(&Authority::new().unwrap()).unwrap();
    smtp.add_user(USER, PASSWORD);
    let dovecot = Dovecot::start(Options::default()).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    Servers { dovecot, smtp }
}

#[test]
fn a_mailbox_is_added_read_searched_and_removed() {
    let servers = servers();
    let profile = Profile::new();
    servers
        .dovecot
        .deliver(USER, b"From: Olena <olena@example.org>\r\nSubject: Umowa najmu 14-K\r\nMessage-ID: <1@example.org>\r\n\r\nProsze o wycene.\r\n")
        .unwrap();

    let id = profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    let facts = profile.records(&["listen", "--until-idle"]);
    assert!(facts.iter().any(|fact| fact["kind"] == "message_stored"), "{facts:?}");

    let list = profile.records(&["account", "list"]);
    assert_eq!((list[0]["stored"].as_i64(), list[0]["unread"].as_i64()), (Some(1), Some(1)), "{list:?}");
    let message = profile.records(&["export", "messages"]).remove(0);
    assert_eq!(message["from"], "Olena <olena@example.org>");
    assert_eq!(message["channel"], "email");
    assert!(message["remote_key"].as_str().unwrap().starts_with("INBOX;UIDVALIDITY="), "{message}");
    assert_eq!(profile.records(&["search", "wycen"]).len(), 1);
    assert_eq!(profile.records(&["search", "14-K"]).len(), 1);
    let steps = profile.records(&["account", "test", &id]);
    assert!(steps.iter().all(|step| step["state"] != "failed"), "{steps:?}");
    let found = profile.records(&["logs", "--area", "email", "--grep", "Mail stored"]);
    assert_eq!(found.len(), 1, "{found:?}");

    profile.records(&["account", "remove", &id]);
    assert!(profile.records(&["account", "list"]).is_empty());
    assert_eq!(profile.records(&["export", "messages"]).len(), 1, "messages outlive their account");

    assert_eq!(profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp()), id, "it comes back");
    profile.records(&["listen", "--until-idle"]);
    assert_eq!(profile.records(&["export", "messages"]).len(), 1, "nothing is doubled");
}

#[test]
fn a_mailbox_with_tokens_is_added_tested_and_waits_for_a_person_once_they_are_revoked() {
    let authority = Authority::new().unwrap();
    let oauth2 = Oauth2::start(&authority).unwrap();
    let smtp = SmtpSink::start(&authority).unwrap();
    smtp.take_tokens(oauth2.grants());
    let options = Options { introspection: Some(oauth2.introspection()), ..Options::default() };
    let dovecot = Dovecot::start_with(options, authority).unwrap();
    dovecot.add_user(USER, PASSWORD).unwrap();
    dovecot.deliver(USER, b"Subject: one\r\n\r\ntext\r\n").unwrap();
    let profile = Profile::new();
    let ca = dovecot.ca_file();
    let mut arguments = add_arguments(USER, &dovecot.imap().to_string(), &smtp.smtp().to_string());
    arguments.extend(["--auth", "xoauth2", "--ca-file", ca.to_str().unwrap()].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let material = |refresh_token: &str| {
        serde_json::json!({"oauth2": {
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": refresh_token,
            "token_endpoint": oauth2.token_endpoint(),
        }})
        .to_string()
    };
    for (wrong, word) in [
        (material("1//unknown"), "session_revoked"),
        (r#"{"oauth2": {"client_id": "x"}}"#.to_owned(), "standard input"),
        (format!(r#"{{"password": "{PASSWORD}"}}"#), "standard input"),
    ] {
        let output = profile.run_with_input(&arguments, &wrong);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(word), "{word}: {said}");
    }
    let output = profile.run_with_input(&arguments, &material(&oauth2.grant(USER)));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let id = profile.records(&["account", "list"])[0]["id"].as_str().unwrap().to_owned();
    profile.records(&["listen", "--until-idle"]);
    assert_eq!(profile.records(&["export", "messages"]).len(), 1);
    let steps = profile.records(&["account", "test", &id]);
    assert!(steps.iter().all(|step| step["state"] == "passed"), "{steps:?}");
    assert_eq!(oauth2.asked(), 3, "twice for the wrong one, once for the right one; what is kept is used");

    oauth2.end_access();
    oauth2.revoke(USER);
    let output = profile.run(&["account", "test", &id, "--json"]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && printed.contains("session_revoked"), "{printed}");
    assert!(!printed.contains("canary"), "{printed}");
}

#[test]
fn a_running_service_follows_accounts_that_come_and_go() {
    let servers = servers();
    let profile = Profile::new();
    let mut service = profile.listen(&[], None);
    let until = |what: &str, met: &dyn Fn() -> bool| {
        let reached = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            met()
        });
        assert!(reached, "{what}");
    };
    until("the service runs", &|| profile.postmaster().is_some());
    let id = profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    servers.dovecot.deliver(USER, b"Subject: one\r\n\r\ntext\r\n").unwrap();
    until("the new account is listened to", &|| profile.records(&["export", "messages"]).len() == 1);

    profile.records(&["account", "disable", &id]);
    until("the listener stops", &|| profile.records(&["account", "list"])[0]["state"] == "stopped");
    servers.dovecot.deliver(USER, b"Subject: two\r\n\r\ntext\r\n").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(profile.records(&["export", "messages"]).len(), 1);

    assert_eq!(profile.records(&["account", "list"])[0]["muted"], false);
    profile.records(&["account", "mute", &id]);
    assert_eq!(profile.records(&["account", "list"])[0]["muted"], true);
    profile.records(&["account", "unmute", &id]);
    assert_eq!(profile.records(&["account", "list"])[0]["muted"], false);

    profile.records(&["account", "remove", &id, "--delete-messages"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let failed = profile.records(&["logs", "--grep", "Status not written"]);
    assert!(failed.len() < 3, "{failed:?}");
    service.kill().unwrap();
    service.wait().unwrap();
}

#[test]
fn until_idle_means_that_everything_can_be_found() {
    let servers = servers();
    let profile = Profile::new();
    profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    let mails: Vec<Vec<u8>> = (0..3000).map(skrynka_lab::numbered::ledger_mail).collect();
    servers.dovecot.deliver_all(USER, mails.iter().map(Vec::as_slice)).unwrap();
    profile.records(&["listen", "--until-idle"]);

    let output = profile.run(&["search", "zzz"]);

    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn until_idle_fails_for_an_account_that_waits_for_a_person_and_names_it() {
    let servers = servers();
    let profile = Profile::new();
    let id = profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    servers.dovecot.set_password(USER, "another").unwrap();

    let output = profile.run(&["listen", "--until-idle"]);

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in ["backing_off", "needs_sign_in", "sign_in", &id] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_reader_that_does_not_read_holds_up_neither_the_work_nor_the_end() {
    use std::process::Stdio;

    let servers = servers();
    let profile = Profile::new();
    profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    let mails: Vec<Vec<u8>> = (0..600).map(skrynka_lab::numbered::ledger_mail).collect();
    servers.dovecot.deliver_all(USER, mails.iter().map(Vec::as_slice)).unwrap();
    let mut command = profile.command(&["listen", "--json"]);
    let mut service = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Facts of 600 mails are more than a pipe holds.
    let stored = (0..300).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        profile.records(&["account", "list"])[0]["stored"] == 600
    });
    assert!(stored);

    let pid = rustix::process::Pid::from_child(&service);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = (0..300).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        service.try_wait().unwrap().is_some()
    });

    service.kill().unwrap();
    service.wait().unwrap();
    assert!(ended, "the program ends although nobody reads");
}

#[test]
fn a_removed_account_takes_its_messages_only_when_told_to() {
    let servers = servers();
    let profile = Profile::new();
    servers.dovecot.deliver(USER, b"Subject: one\r\n\r\ntext\r\n").unwrap();
    let id = profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    profile.records(&["listen", "--until-idle"]);

    let removed = profile.records(&["account", "remove", &id, "--delete-messages"]).remove(0);

    assert_eq!(removed["deleted_messages"], 1);
    assert!(profile.records(&["export", "messages"]).is_empty());
}

#[test]
fn every_wrong_value_is_named_and_nothing_is_added() {
    let servers = servers();
    let profile = Profile::new();
    let (imap, smtp) = (servers.dovecot.imap().to_string(), servers.smtp.smtp().to_string());
    let good = add_arguments(USER, &imap, &smtp);
    let with = |name: &str, value: &str| {
        let mut arguments = good.clone();
        match arguments.iter().position(|argument| argument == name) {
            Some(at) => arguments[at + 1] = value.to_owned(),
            None => arguments.extend([name.to_owned(), value.to_owned()]),
        }
        arguments
    };
    let nobody_listens = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (arguments, password, code, word) in [
        (with("--imap", "nonsense"), PASSWORD, 2, "HOST:PORT"),
        (with("--imap-security", "none"), PASSWORD, 2, "tls, starttls or loopback_plain"),
        (with("--address", "office"), PASSWORD, 1, "not a mail address"),
        (with("--name", ""), PASSWORD, 1, "1 to 200 characters"),
        (with("--since", "2999-01-01"), PASSWORD, 1, "in the future"),
        (with("--since", "yesterday"), PASSWORD, 2, "neither a day"),
        (with("--ca-file", "/dev/null"), PASSWORD, 1, "no certificate"),
        (with("--imap", &nobody_listens), PASSWORD, 1, "network"),
        (with("--imap", "no-such-host.invalid:993"), PASSWORD, 1, "name_not_found"),
        (with("--imap-security", "tls"), PASSWORD, 1, "tls"),
        (good.clone(), "wrong", 1, "sign_in"),
    ] {
        let list: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = profile.run_with_input(&list, &format!(r#"{{"password": "{password}"}}"#));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?} should say {word:?}: {said}");
    }
    for input in ["", "{}", "password", r#"{"password": 7}"#] {
        let list: Vec<&str> = good.iter().map(String::as_str).collect();
        let output = profile.run_with_input(&list, input);
        assert_eq!(output.status.code(), Some(1), "{input:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("standard input"), "{input:?}");
    }
    assert!(profile.records(&["account", "list"]).is_empty());
}

#[test]
fn the_same_address_is_refused_twice() {
    let servers = servers();
    let profile = Profile::new();
    profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    let again =
        add_arguments(&USER.to_uppercase(), &servers.dovecot.imap().to_string(), &servers.smtp.smtp().to_string());
    let mut again: Vec<&str> = again.iter().map(String::as_str).collect();
    let user = again.iter().position(|argument| *argument == "--user").unwrap();
    again[user + 1] = USER;
    let output = profile.run_with_input(&again, &format!(r#"{{"password": "{PASSWORD}"}}"#));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("exists already"));
}

#[test]
fn a_password_stands_nowhere_but_in_the_vault() {
    let servers = servers();
    let profile = Profile::new();
    servers.dovecot.deliver(USER, b"Subject: one\r\n\r\ntext\r\n").unwrap();
    let id = profile.add_mailbox(USER, servers.dovecot.imap(), servers.smtp.smtp());
    profile.records(&["listen", "--until-idle"]);
    servers.dovecot.set_password(USER, "another").unwrap();
    // Dovecot may honour the old password for a moment more.
    let failed = (0..100).map(|_| profile.run(&["account", "test", &id, "--json"])).find(|run| !run.status.success());
    let failed = failed.expect("the old password is refused");

    let mut looked = 0;
    let mut folders = vec![profile.path()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                looked += 1;
                for needle in [PASSWORD.as_bytes(), b"canary-7f3a9".as_slice()] {
                    let found = bytes.windows(needle.len()).any(|window| window == needle);
                    assert!(!found, "the password stands in {}", path.display());
                }
            }
        }
    }
    assert!(looked > 100, "database, logs and settings were looked at: {looked} files in {}", profile.path().display());
    let printed = [failed.stdout, failed.stderr].concat();
    assert!(!String::from_utf8_lossy(&printed).contains("canary-7f3a9"));
    crate::common::evidence(
        "P3 secrets",
        "a password stands nowhere but in the vault",
        &format!("0 hits in {looked} files"),
    );
}

#[test]
fn a_profile_that_cannot_be_used_is_named() {
    let profile = Profile::new();
    std::fs::remove_dir(profile.path()).unwrap();
    std::fs::write(profile.path(), "a file").unwrap();
    let output = profile.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not a folder"));
}

#[test]
fn a_damaged_install_file_is_named_and_left_alone() {
    let profile = Profile::new();
    std::fs::write(profile.path().join("install.json"), "{").unwrap();
    let output = profile.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("install.json is damaged"));
    assert_eq!(std::fs::read_to_string(profile.path().join("install.json")).unwrap(), "{");
}

#[test]
fn doctor_tells_what_it_found_before_the_step_that_failed() {
    let profile = Profile::new();
    let state = |checks: &[serde_json::Value], name: &str| {
        checks.iter().find(|check| check["name"] == name).map(|check| check["state"].as_str().unwrap().to_owned())
    };
    let run = |profile: &Profile| -> (Option<i32>, Vec<serde_json::Value>) {
        let output = profile.run(&["doctor", "--json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    };

    let (code, checks) = run(&profile);
    assert_eq!(code, Some(1));
    assert_eq!(state(&checks, "database").as_deref(), Some("ok"), "{checks:?}");
    assert_eq!(state(&checks, "schema").as_deref(), Some("failed"), "nothing has migrated it: {checks:?}");

    let nobody = r#"{"database":{"server_url":"postgres://olena@127.0.0.1:1/skrynka"}}"#;
    std::fs::write(profile.path().join("settings.json"), nobody).unwrap();
    let (code, checks) = run(&profile);
    assert_eq!(code, Some(1));
    assert_eq!(state(&checks, "secrets").as_deref(), Some("ok"), "{checks:?}");
    assert_eq!(state(&checks, "database").as_deref(), Some("failed"), "{checks:?}");
}

#[test]
fn damaged_settings_are_named_and_no_other_database_is_begun() {
    let profile = Profile::new();
    std::fs::write(profile.path().join("settings.json"), "{\"database\": {").unwrap();
    let output = profile.run(&["account", "list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("settings.json is damaged"));
    assert_eq!(std::fs::read_to_string(profile.path().join("settings.json")).unwrap(), "{\"database\": {");
    assert!(!profile.path().join("postgres").exists());
}

#[test]
fn why_a_command_failed_stands_in_the_log() {
    let profile = Profile::new();
    let nobody = "0192b4a0-0000-7000-8000-000000000001";
    assert_eq!(profile.run(&["account", "enable", nobody]).status.code(), Some(1));
    let found = profile.records(&["logs", "--grep", "Command failed"]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0]["fields"]["error"].as_str().unwrap().contains("does not exist"), "{found:?}");
}

#[test]
fn the_schema_tells_what_is_applied() {
    let profile = Profile::new();
    let before = profile.records(&["migrate", "--status"]);
    assert!(before.iter().all(|migration| migration["state"] == "pending"), "{before:?}");
    profile.records(&["migrate"]);
    let after = profile.records(&["migrate", "--status"]);
    assert_eq!(before.len(), after.len());
    assert!(after.iter().all(|migration| migration["state"] == "applied"), "{after:?}");
}

#[test]
fn a_mistyped_profile_is_named_and_not_made() {
    let profile = Profile::new();
    std::fs::remove_dir(profile.path()).unwrap();
    for arguments in [
        &["account", "list"][..],
        &["search", "x"],
        &["export", "messages"],
        &["doctor"],
        &["logs"],
        &["report", "nowhere.zip"],
        &["migrate", "--status"],
    ] {
        let output = profile.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no profile"), "{arguments:?}");
        assert!(!profile.path().exists(), "{arguments:?}");
    }
}

#[test]
fn an_account_that_never_was_is_named() {
    let profile = Profile::new();
    let nobody = "0192b4a0-0000-7000-8000-000000000001";
    for arguments in [["export", "messages", "--account", nobody], ["search", "x", "--account", nobody]] {
        let output = profile.run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("there is no account"), "{arguments:?}");
    }
}

#[test]
fn wrong_usage_ends_with_two() {
    let profile = Profile::new();
    for arguments in [["account", "test", "nonsense"], ["search", "x", "--account=nonsense"], ["logs", "--grep", "("]] {
        assert_eq!(profile.run(&arguments).status.code(), Some(2), "{arguments:?}");
    }
    for arguments in [["listen", "--nonsense"], ["account", "nonsense"], ["logs", "--level=loud"]] {
        assert_eq!(profile.run(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}
