//! Folders that are too long, too small, read-only or out of the server's reach; programs that are not there.

use std::process::Command;

use super::*;
use crate::postgres::{
    BinarySearch,
    binaries::Binaries,
    home::{ROOM_TO_CREATE, ROOM_TO_START},
    run_as::RunAs,
};

#[tokio::test]
async fn a_profile_with_a_long_path_gets_its_socket_elsewhere_and_takes_it_away() {
    let profile = Profile::new();
    let deep = profile.path().join("дуже-довга-назва".repeat(5)).join("профіль, \"з\" пробілом");
    let options = ClusterOptions::new(&deep, profile.secrets.clone());
    let data = deep.join("postgres/data");
    let cluster = Cluster::start(options.clone()).await.unwrap();
    fill(&cluster, 10).await;
    let socket = PidFile::read(&data).unwrap().socket_dir.unwrap();
    assert!(socket.as_os_str().len() < 85 && !socket.starts_with(&deep), "{socket:?}");
    assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    cluster.stop().await.unwrap();
    assert!(!socket.exists());
    let cluster = Cluster::start(options).await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_profile_where_nothing_can_be_written_names_the_folder() {
    // The kernel's own file system lets nobody make folders, not even root.
    let options = ClusterOptions::new("/sys/skrynka", Arc::<Memory>::default());
    let refused = error_of(Cluster::start(options).await);
    assert!(matches!(&refused, PostgresError::NoPermission { path, .. } if path.starts_with("/sys")), "{refused:?}");
}

#[tokio::test]
async fn a_cluster_that_has_become_read_only_is_refused_and_starts_again_later() {
    let profile = Profile::with_rows(10).await;
    let _read_only = if rustix::process::geteuid().is_root() {
        let Some(mount) = Mount::over(profile.path(), &["--bind", "-o", "ro", &profile.path().display().to_string()])
        else {
            return;
        };
        mount
    } else {
        // For everyone but root, the rights of the folder do it.
        std::fs::set_permissions(profile.data(), std::fs::Permissions::from_mode(0o500)).unwrap();
        Mount { at: profile.path().to_owned(), mounted: false }
    };
    let refused = error_of(profile.start().await);
    assert!(matches!(&refused, PostgresError::NoPermission { .. }), "{refused:?}");
    drop(_read_only);
    std::fs::set_permissions(profile.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_disk_that_is_too_small_is_named_with_the_room_it_has() {
    let profile = Profile::new();
    let Some(_disk) = Mount::disk(profile.path(), 60) else { return };
    let refused = error_of(profile.start().await);
    assert!(
        matches!(refused, PostgresError::DiskFull { free, needed: ROOM_TO_CREATE, .. } if free <= 60 << 20),
        "{refused:?}"
    );
    assert!(!profile.data().exists());
}

#[tokio::test]
async fn a_disk_that_has_become_full_keeps_the_rows_until_there_is_room() {
    let profile = Profile::new();
    let Some(disk) = Mount::disk(profile.path(), 300) else { return };
    let cluster = profile.start().await.unwrap();
    fill(&cluster, 1000).await;
    let ballast = profile.path().join("ballast");
    Command::new("sh")
        .arg("-c")
        .arg(format!("cat /dev/zero > {}", ballast.display()))
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    let mut connection = cluster.connect_options().connect().await.unwrap();
    let full = sqlx::query("insert into numbered select generate_series(1, 1000000)").execute(&mut connection).await;
    assert!(full.is_err());
    kill_9(profile.server().pid);

    let refused = error_of(profile.start().await);
    assert!(
        matches!(refused, PostgresError::DiskFull { free: ..ROOM_TO_START, needed: ROOM_TO_START, .. }),
        "{refused:?}"
    );
    std::fs::remove_file(ballast).unwrap();
    let again = profile.start().await.unwrap();
    assert_eq!(rows(&again).await, all(1000));
    again.stop().await.unwrap();
    cluster.stop().await.unwrap();
    drop(disk);
}

#[tokio::test]
async fn for_root_a_profile_out_of_nobodys_reach_has_its_cluster_elsewhere() {
    let profile = Profile::on_disk(0o700);
    let cluster = profile.start().await.unwrap();
    let home = cluster.site.home.dir.clone();
    fill(&cluster, 10).await;
    cluster.stop().await.unwrap();
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(home.starts_with("/var/lib/skrynka"), is_root, "{home:?}");

    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    assert_eq!(cluster.site.home.dir, home);
    cluster.stop().await.unwrap();
    if !is_root {
        return;
    }
    assert_eq!(std::fs::metadata(&home).unwrap().uid(), 0);
    std::fs::write(profile.path().join("postgres.location"), "/etc").unwrap();
    let refused = error_of(profile.start().await);
    assert!(matches!(refused, PostgresError::Damaged { .. }), "{refused:?}");
    std::fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn missing_programs_are_named_with_the_folders_looked_into() {
    let profile = Profile::new();
    let nowhere = profile.path().join("nowhere");
    let binaries = BinarySearch { configured: Some(nowhere.clone()), bundled: None };
    let refused = error_of(Cluster::start(ClusterOptions { binaries, ..profile.options() }).await);
    assert!(matches!(&refused, PostgresError::BinariesMissing { looked_in } if *looked_in == [nowhere]), "{refused:?}");
    assert!(!profile.data().exists());
}

#[tokio::test]
async fn a_program_that_is_too_old_or_no_program_is_refused_with_its_own_words() {
    let profile = Profile::on_disk(0o755);
    let folder = profile.path().join("bin");
    std::fs::create_dir(&folder).unwrap();
    for (script, words) in [
        ("#!/bin/sh\necho 'postgres (PostgreSQL) 15.20'\n", "version 15"),
        ("#!/bin/sh\necho 'libfoo: cannot open shared object' >&2; exit 127\n", "libfoo"),
        // What the system says of a text that is no program depends on how it is started.
        ("no program\n", ""),
    ] {
        let program = folder.join("postgres");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let binaries = BinarySearch { configured: Some(profile.path().to_owned()), bundled: None };
        let refused = error_of(Cluster::start(ClusterOptions { binaries, ..profile.options() }).await);
        assert!(
            matches!(&refused, PostgresError::BinariesUnusable { reason, .. } if reason.contains(words)),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn programs_that_cannot_be_laid_out_or_reached_are_copied_once() {
    let profile = Profile::on_disk(0o755);
    let run_as = RunAs::current();
    let cache = profile.path().join("cache");
    let usual = Binaries::locate(&BinarySearch::default(), &cache, run_as).await.unwrap();
    let package = usual.program("postgres").ancestors().nth(2).unwrap().to_owned();

    // As the package comes out of npm: no links; and in a folder that is closed to others and read-only.
    let bundled = profile.path().join("bundled");
    let bare = "mkdir $2 && cd $1 && tar -c --exclude='*.a' . | tar -x -C $2 && find $2 -type l -delete";
    let copied = Command::new("sh").args(["-c", bare, "sh"]).arg(&package).arg(&bundled).status().unwrap();
    assert!(copied.success());
    let closed = |mode| std::fs::set_permissions(bundled.join("lib"), std::fs::Permissions::from_mode(mode)).unwrap();
    closed(0o500);
    std::fs::set_permissions(&bundled, std::fs::Permissions::from_mode(0o500)).unwrap();

    let search = BinarySearch { configured: None, bundled: Some(bundled.clone()) };
    let first = Binaries::locate(&search, &cache, run_as).await.unwrap();
    assert!(first.program("postgres").starts_with(&cache), "{first:?}");
    assert_eq!(first.major, 18);
    let made = std::fs::metadata(first.program("postgres")).unwrap().ino();
    let second = Binaries::locate(&search, &cache, run_as).await.unwrap();
    assert_eq!(std::fs::metadata(second.program("postgres")).unwrap().ino(), made);

    let cluster = Cluster::start(ClusterOptions { binaries: search, ..profile.options() }).await.unwrap();
    assert_eq!(show(&cluster, "fsync").await, "on");
    cluster.stop().await.unwrap();
    closed(0o700);
    std::fs::set_permissions(&bundled, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// Something mounted on a folder, as long as this lives. Only root may mount, and not in every container.
struct Mount {
    at: PathBuf,
    mounted: bool,
}

impl Mount {
    fn over(folder: &Path, arguments: &[&str]) -> Option<Self> {
        let mounted = Command::new("mount").args(arguments).arg(folder).status().is_ok_and(|status| status.success());
        if !mounted {
            println!("skipped: this user may not mount");
        }
        mounted.then(|| Self { at: folder.to_owned(), mounted })
    }

    fn disk(folder: &Path, megabytes: u32) -> Option<Self> {
        Self::over(folder, &["-t", "tmpfs", "-o", &format!("mode=755,size={megabytes}m"), "tmpfs"])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.mounted {
            kill_server_in(&self.at.join("postgres/data"));
            let unmounted = Command::new("umount").arg("--lazy").arg(&self.at).status();
            assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
        }
    }
}
