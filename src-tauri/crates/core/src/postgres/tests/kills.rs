//! Processes killed at the worst moment, and process ids that belong to somebody else.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use super::{lifecycle::until, *};
use crate::postgres::{pid_file, run_as::RunAs};

/// Tells the helper process which profile to start.
const HELPER: &str = "SKRYNKA_TEST_PROFILE";

#[tokio::test]
async fn a_killed_server_starts_again_with_every_committed_row_and_no_other() {
    let profile = Profile::with_rows(100_000).await;
    let cluster = profile.start().await.unwrap();
    let mut connection = cluster.connect_options().connect().await.unwrap();
    sqlx::raw_sql("begin; insert into numbered select generate_series(1, 50000)")
        .execute(&mut connection)
        .await
        .unwrap();
    kill_9(profile.server().pid);
    // The handle is kept, so that the dead server stays its parent's unreaped child, which has the id still.
    let again = profile.start().await.unwrap();
    assert_eq!(rows(&again).await, all(100_000));
    again.stop().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_watched_server_that_is_killed_comes_back_at_the_same_place() {
    let profile = Profile::with_rows(1000).await;
    let cluster = profile.start().await.unwrap();
    let attached = profile.start().await.unwrap();
    let pool = attached.connect_options().pool(sqlx::postgres::PgPoolOptions::new());
    let killed = profile.server().pid;
    let work = async {
        kill_9(killed);
        until(|| PidFile::read(&profile.data()).is_some_and(|file| file.pid != killed && file.is_ready())).await;
        let count: i64 = sqlx::query_scalar("select count(*) from numbered").fetch_one(&pool).await.unwrap();
        assert_eq!(count, 1000);
        cluster.stop().await.unwrap();
        attached.stop().await.unwrap();
    };
    let (watched, also_watched, ()) = tokio::join!(cluster.watch(), attached.watch(), work);
    watched.unwrap();
    also_watched.unwrap();
    assert_eq!(PidFile::read(&profile.data()), None);
}

#[tokio::test]
async fn a_server_that_dies_while_it_is_joined_is_started_again() {
    let profile = Profile::with_rows(1000).await;
    let cluster = profile.start().await.unwrap();
    let dying = profile.server().pid;
    // It takes no connection, so the second program is in the middle of joining it when it goes.
    stop_for_now(dying);
    let death = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        kill_9(dying);
    };
    let (joined, ()) = tokio::join!(profile.start(), death);
    let joined = joined.unwrap();
    assert_ne!(profile.server().pid, dying);
    assert_eq!(rows(&joined).await, all(1000));
    joined.stop().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_of_a_killed_program_is_adopted_and_stopped_at_the_end() {
    let profile = Profile::with_rows(1000).await;
    let mut program = Helper::start(&profile);
    program.wait_until_started();
    let orphan = profile.server().pid;
    program.kill();
    assert_eq!(process::identify(orphan, &profile.data()), Identity::Ours);

    let cluster = profile.start().await.unwrap();
    assert_eq!(profile.server().pid, orphan);
    assert_eq!(rows(&cluster).await, all(1000));
    cluster.stop().await.unwrap();
    assert_ne!(process::identify(orphan, &profile.data()), Identity::Ours);
}

#[tokio::test]
async fn a_second_program_keeps_the_server_when_the_first_one_ends() {
    let profile = Profile::with_rows(1000).await;
    let mut program = Helper::start(&profile);
    program.wait_until_started();
    let cluster = profile.start().await.unwrap();
    program.end();
    assert_eq!(rows(&cluster).await, all(1000));
    cluster.stop().await.unwrap();
    assert_eq!(PidFile::read(&profile.data()), None);
}

#[tokio::test]
async fn a_program_killed_while_it_makes_or_starts_the_cluster_leaves_nothing_in_the_way() {
    let profile = Profile::new();
    profile.secrets.put("kept before the cluster was made");
    let home = profile.path().join("postgres");
    let marks: [&dyn Fn() -> bool; 3] = [
        &|| entries(&home).iter().any(|name| name.starts_with("unfinished-")),
        &|| home.join("data").exists(),
        &|| PidFile::read(&profile.data()).is_some(),
    ];
    for mark in marks {
        let mut program = Helper::start(&profile);
        until(mark).await;
        program.kill();
    }
    let cluster = profile.start().await.unwrap();
    fill(&cluster, 10).await;
    assert_eq!(rows(&cluster).await, all(10));
    assert!(!entries(&home).iter().any(|name| name.starts_with("unfinished-")));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_process_id_given_to_another_process_of_the_same_user_does_not_block_the_start() {
    let profile = Profile::with_rows(1000).await;
    let run_as = RunAs::current();
    let mut command = tokio::process::Command::new("sleep");
    run_as.apply(command.arg("600").kill_on_drop(true));
    let mut bystander = command.spawn().unwrap();
    let data = profile.data();
    let stale =
        format!("{}\n{}\n1790000000\n5432\n/nowhere\n\n 1 1\nready   \n", bystander.id().unwrap(), data.display());
    std::fs::write(data.join(pid_file::NAME), stale).unwrap();
    run_as.give(&data.join(pid_file::NAME)).unwrap();

    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(1000));
    assert!(bystander.try_wait().unwrap().is_none(), "the other process was left alone");
    cluster.stop().await.unwrap();
    bystander.kill().await.unwrap();
}

#[tokio::test]
async fn an_unreadable_pid_file_of_a_power_cut_does_not_block_the_start() {
    let profile = Profile::with_rows(10).await;
    std::fs::write(profile.data().join(pid_file::NAME), "").unwrap();
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();
}

fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Another program on the same profile: this test program once more.
struct Helper(Child);

impl Helper {
    fn start(profile: &Profile) -> Self {
        let password = profile.secrets.0.lock().unwrap().get(&PASSWORD).cloned().expect("a password");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "postgres::tests::kills::helper_program"])
            .env(HELPER, profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        std::io::Write::write_fmt(stdin, format_args!("{}\n", secrecy::ExposeSecret::expose_secret(&password)))
            .unwrap();
        Self(child)
    }

    fn wait_until_started(&mut self) {
        let lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("helper started")));
    }

    /// Lets it end in its own way.
    fn end(&mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// No test by itself: what [`Helper`] runs. It uses the cluster until its input ends.
#[tokio::test]
async fn helper_program() {
    let Some(profile) = std::env::var_os(HELPER) else { return };
    let mut input = std::io::stdin().lines();
    let secrets = Arc::new(Memory::default());
    secrets.put(&input.next().unwrap().unwrap());
    let cluster = Cluster::start(ClusterOptions::new(profile, secrets)).await.unwrap();
    println!("helper started");
    let ended = input.next();
    assert!(ended.is_none());
    cluster.stop().await.unwrap();
}
