//! Making, sharing and stopping a cluster; the password; durability.

use super::*;

#[tokio::test]
async fn a_new_cluster_has_checksums_its_own_collation_and_a_role_without_rights_over_the_server() {
    let profile = Profile::new();
    let cluster = profile.start().await.unwrap();
    for (setting, value) in [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("password_encryption", "scram-sha-256"),
        ("application_name", "skrynka"),
    ] {
        assert_eq!(show(&cluster, setting).await, value, "{setting}");
    }
    let mut connection = cluster.connect_options().connect().await.unwrap();
    let role: (String, bool, bool, bool, bool) = sqlx::query_as(
        "select rolname::text, rolsuper, rolcreaterole, rolcreatedb, rolreplication
         from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(role, ("skrynka".to_owned(), false, false, false, false));
    let collation: (String, String) =
        sqlx::query_as("select datlocprovider::text, datlocale from pg_database where datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(collation, ("b".to_owned(), "C.UTF-8".to_owned()));
    let lower: String = sqlx::query_scalar("select lower('ЇЖАК Łódź')").fetch_one(&mut connection).await.unwrap();
    assert_eq!(lower, "їжак łódź");
    cluster.stop().await.unwrap();
    assert_eq!(PidFile::read(&profile.data()), None);
}

#[tokio::test]
async fn extensions_for_the_search_can_be_created_by_the_role() {
    let profile = Profile::new();
    let cluster = profile.start().await.unwrap();
    let mut connection = cluster.connect_options().connect().await.unwrap();
    for extension in ["pg_trgm", "unaccent", "btree_gin"] {
        let statement = sqlx::AssertSqlSafe(format!("create extension {extension}"));
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_signs_in_without_the_password_and_no_file_holds_it() {
    let profile = Profile::new();
    let cluster = profile.start().await.unwrap();
    let kept = profile.secrets.get(PASSWORD).await.unwrap().unwrap();
    profile.secrets.put("wrong");
    let refused = error_of(profile.start().await);
    assert!(matches!(refused, PostgresError::PasswordLost), "{refused:?}");

    let socket = profile.server().socket_dir.unwrap();
    let mode = std::fs::metadata(&socket).unwrap().mode();
    assert_eq!(mode & 0o777, 0o700);
    let rules = std::fs::read_to_string(profile.data().join("pg_hba.conf")).unwrap();
    let methods: Vec<_> =
        rules.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().last()).collect();
    assert!(!methods.is_empty() && methods.iter().all(|method| *method == "scram-sha-256"), "{methods:?}");

    cluster.stop().await.unwrap();
    let password = secrecy::ExposeSecret::expose_secret(&kept).to_owned();
    assert_eq!(files_with(profile.path(), &password), Vec::<PathBuf>::new());
}

fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn programs_that_start_at_once_share_one_server_and_the_last_one_stops_it() {
    let profile = Profile::new();
    let started = futures_util::future::try_join_all((0..4).map(|_| profile.start())).await.unwrap();
    let pid = profile.server().pid;
    for (left, cluster) in started.iter().enumerate().rev() {
        assert_eq!(profile.server().pid, pid);
        assert_eq!(show(cluster, "fsync").await, "on");
        cluster.stop().await.unwrap();
        let runs = process::identify(pid, &profile.data()) == Identity::Ours;
        assert_eq!(runs, left > 0);
    }
}

#[tokio::test]
async fn a_stopped_cluster_starts_again_with_its_rows() {
    let profile = Profile::with_rows(1000).await;
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(1000));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_password_is_replaced_and_the_rows_stay() {
    let profile = Profile::with_rows(10).await;
    profile.secrets.lose();
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));

    // While another program uses the server, it is not taken down for a password.
    profile.secrets.put("of another installation");
    let refused = error_of(profile.start().await);
    assert!(matches!(refused, PostgresError::PasswordLost), "{refused:?}");
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();

    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    drop(cluster);
    // Of a server left behind by a killed program, the same holds once nobody uses it.
    profile.secrets.lose();
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_write_durably_is_refused_and_replaced() {
    let profile = Profile::with_rows(10).await;
    let cluster = profile.start().await.unwrap();
    let socket = profile.server().socket_dir.unwrap();
    let binaries = cluster.site.binaries.clone();
    let home = cluster.site.home.clone();
    cluster.stop().await.unwrap();

    let mut unsafe_server = binaries.command("postgres", home.run_as, &home.dir);
    unsafe_server.arg("-F").arg("-D").arg(home.data());
    unsafe_server.args(["-c", "listen_addresses=", "-c", &format!("unix_socket_directories={}", socket.display())]);
    let mut child = unsafe_server.stderr(std::process::Stdio::null()).spawn().unwrap();
    until(|| PidFile::read(&profile.data()).is_some_and(|file| file.is_ready())).await;

    let users = home.users().unwrap();
    users.join().unwrap();
    let refused = error_of(profile.start().await);
    assert!(matches!(&refused, PostgresError::Unsafe { setting: "fsync", value } if value == "off"), "{refused:?}");
    users.leave().unwrap();

    let (cluster, _) = tokio::join!(profile.start(), child.wait());
    let cluster = cluster.unwrap();
    assert_eq!(show(&cluster, "fsync").await, "on");
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_configuration_file_cannot_turn_durability_off() {
    let profile = Profile::with_rows(10).await;
    let file = profile.data().join("postgresql.auto.conf");
    std::fs::write(&file, "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nlog_statement = all\n")
        .unwrap();
    let cluster = profile.start().await.unwrap();
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        assert_eq!(show(&cluster, setting).await, "on", "{setting}");
    }
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn no_statement_reaches_the_servers_log() {
    let profile = Profile::new();
    let cluster = profile.start().await.unwrap();
    let mut connection = cluster.connect_options().connect().await.unwrap();
    let canary = "canary-7f3a";
    let statement = sqlx::AssertSqlSafe(format!("select '{canary}'::int"));
    assert!(sqlx::raw_sql(statement).execute(&mut connection).await.is_err());
    let bound = sqlx::query("select 1/0, $1::text").bind(canary).execute(&mut connection).await;
    assert!(bound.is_err());
    cluster.stop().await.unwrap();
    let log = std::fs::read_to_string(profile.path().join("postgres/server.log")).unwrap();
    assert!(log.contains("shut down"));
    assert!(!log.contains(canary), "{log}");
}

/// Waits for an event that nothing announces.
pub(super) async fn until(mut happened: impl FnMut() -> bool) {
    tokio::time::timeout(Duration::from_secs(60), async {
        while !happened() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it happens within a minute");
}

#[tokio::test]
async fn a_copy_put_aside_is_the_database_as_it_was_and_nobody_else_is_disturbed_for_it() {
    let profile = Profile::with_rows(100).await;
    let cluster = profile.start().await.unwrap();
    let other = profile.start().await.unwrap();
    assert_eq!(cluster.copy_aside().await.unwrap(), None, "another program uses the server");
    assert_eq!(rows(&other).await, (100, 5050));
    other.stop().await.unwrap();

    let copy = cluster.copy_aside().await.unwrap().unwrap();
    let mut connection = cluster.connect_options().connect().await.unwrap();
    sqlx::query("delete from numbered").execute(&mut connection).await.unwrap();
    drop(connection);
    cluster.stop().await.unwrap();
    assert_eq!(std::fs::metadata(&copy).unwrap().mode() & 0o777, 0o700);

    std::fs::remove_dir_all(profile.data()).unwrap();
    std::fs::rename(copy, profile.data()).unwrap();
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, (100, 5050));
    cluster.stop().await.unwrap();
}
