//! Nothing secret reaches the files, in whatever form a library prints it.

use std::{fmt::Write, fs};

use base64::{Engine, engine::general_purpose};
use skrynka_core::logbook::redact::{clean, remember};
use tracing::{debug, error, info, info_span, trace};

use crate::lab::{Lab, files, options};

#[test]
fn what_looks_like_a_secret_is_masked_and_the_rest_stays() {
    let session = format!("1{}=", "Ab_-9z".repeat(60));
    let table = [
        ("Folder selected", "Folder selected"),
        ("a0 LOGIN \"olena\" \"s3 \\\"cret\" now", "a0 LOGIN ••• ••• now"),
        ("a0 LOGIN olena s3cret", "a0 LOGIN ••• •••"),
        ("AUTH PLAIN AGEAYg==", "AUTH PLAIN •••"),
        ("> AUTHENTICATE XOAUTH2 dXNlcj1h", "> AUTHENTICATE XOAUTH2 •••"),
        ("postgres://app:p@ss:w/rd@db.example.org:5432/x", "postgres://app:•••@db.example.org:5432/x"),
        ("Authorization: Bearer ya29.a0Af-x", "Authorization: ••• •••"),
        ("sent Bearer ya29.a0Af-xyz.", "sent Bearer •••"),
        (r#"{"password":"hunter22","port":993}"#, r#"{"password":•••,"port":993}"#),
        ("client_secret=abc&x=1", "client_secret=•••&x=1"),
        ("ALTER ROLE app PASSWORD 'it''s'", "ALTER ROLE app PASSWORD •••"),
        ("api_hash 0123456789abcdef0123456789ABCDEF used", "api_hash ••• used"),
        ("Login code: 48213. Do not give it", "Login code: •••. Do not give it"),
        ("Код для входу: 482133", "Код для входу: •••"),
        ("code=535 5.7.8", "code=535 5.7.8"),
        ("from olena.koval+x@mail.example.org to", "from o…@mail.example.org to"),
        ("<олена@пошта.укр>", "<о…@пошта.укр>"),
        ("call +380 (50) 123-45-12 or 0501234512, 380501234512", "call +380…12 or 050…12, 380…12"),
        ("uid 48213 of 3 120, took 1234567890 ns", "uid 48213 of 3 120, took 1234567890 ns"),
        ("at 2026-11-22T12:04:11.020+02:00", "at 2026-11-22T12:04:11.020+02:00"),
        (
            "sha256 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            "sha256 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ),
        ("account 0192b4a0-3801-7012-8345-678901234567", "account 0192b4a0-3801-7012-8345-678901234567"),
    ];
    for (text, expected) in table {
        assert_eq!(clean(text), expected, "{text}");
    }
    assert_eq!(clean(&format!("session {session} end")), "session •••(362 characters) end");
}

/// Every form in which a secret may be printed, after other bytes so that base64 falls on any of its places.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let hex = |upper: bool| {
        secret.bytes().fold(String::new(), |mut text, byte| {
            if upper { write!(text, "{byte:02X}") } else { write!(text, "{byte:02x}") }.unwrap();
            text
        })
    };
    let percent = secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte))
        } else {
            write!(text, "%{byte:02X}").unwrap()
        }
        text
    });
    let mut forms =
        vec![secret.to_owned(), format!("{secret:?}"), format!("{json:?}"), json, hex(false), hex(true), percent];
    for before in ["", "\0", "\0u", "\0user\0"] {
        let sasl = format!("{before}{secret}");
        forms.push(general_purpose::STANDARD.encode(&sasl));
        forms.push(general_purpose::URL_SAFE_NO_PAD.encode(&sasl));
        forms.push(general_purpose::STANDARD.encode(format!("{sasl} and more")));
    }
    forms
}

/// What of a secret must not be found: the middle of each form, since base64 ends differ with what stands beside.
fn core_of(form: &str) -> String {
    let form: Vec<char> = form.trim_matches('"').chars().collect();
    let edge = form.len() / 4;
    form[edge..form.len() - edge].iter().collect()
}

#[test]
fn a_loaded_secret_is_in_no_file_in_no_form() {
    let secrets = ["Canary7#wörd \"q\"\\ü", "пароль-вишня-1991", "kx81-plain-ascii", "a b+c/d=e&f%g"];
    secrets.iter().for_each(|secret| remember(&(*secret).into()));
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(options(dir.path()));
    let mut told = Vec::new();
    lab.log(|| {
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            let _span = info_span!(target: "skrynka::email", "sign_in", reply = %form).entered();
            info!(target: "skrynka::email", reply = %form, debug = ?form, "Answer {form} received");
            debug!(target: "skrynka::email", "{}", format!("prefix{form}suffix"));
            error!(target: "lettre", error = &std::io::Error::other(form.clone()) as &dyn std::error::Error, "Failed");
            trace!(target: "skrynka::email", form);
            told.push(form);
        }
    });
    lab.close();
    let text: String = files(dir.path()).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert!(text.lines().count() >= told.len() * 3);
    for form in told {
        assert!(!text.contains(&core_of(&form)), "{form:?} is in the files");
        let in_json = serde_json::to_string(&form).unwrap();
        assert!(!text.contains(&core_of(&in_json)), "{in_json} is in the files");
    }
}

#[test]
fn a_fact_whose_name_says_that_it_is_secret_is_masked_whatever_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::new(options(dir.path()));
    lab.log(|| info!(target: "skrynka::app", password = "abc", token = ?"def", "Saved"));
    lab.close();
    let text = fs::read_to_string(&files(dir.path())[0]).unwrap();
    assert!(text.contains(r#""fields":{"password":"•••","token":"•••"}"#), "{text}");
}

#[test]
fn a_long_secret_is_masked_in_pieces_and_costs_no_more_than_its_length() {
    let secret: String = (0..3_000_u32).map(|n| char::from(b'!' + u8::try_from(n * 7 % 90).unwrap())).collect();
    remember(&secret.as_str().into());
    remember(&"x".repeat(1_000_000).as_str().into());
    let masked = clean(&secret).into_owned();
    assert!(!masked.contains(&secret[1_000..1_020]), "{masked}");
    let encoded = general_purpose::STANDARD.encode(&secret);
    assert!(!clean(&encoded).contains(&encoded[1_000..1_020]));
}

#[test]
fn a_secret_at_the_place_where_a_long_text_is_cut_does_not_show() {
    remember(&"canary at the edge".into());
    for length in (64 * 1024 - 40)..(64 * 1024 + 2) {
        let text = format!("{} canary at the edge {}", "+".repeat(length), "tail ".repeat(100));
        assert!(!clean(&text).contains("anary"), "{length}");
    }
}
